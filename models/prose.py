"""What a model card says beside its figures."""

INTENDED = """## Intended use

Finds thirteen kinds of MR artifact on a slice, where they are, and whether the slice is diagnostically usable. Meant
as a hint to the technologist while the patient is still on the table: whether a series is worth a look or a
repetition. Not for diagnosis, not a replacement of a reader, not validated on patients. For magnitude images of any
anatomy, of 64 pixels or more a side; other kinds are turned away by their header."""

MEASURED = """Simulated artifacts on {simulated} slices of held-out subjects and sources, {clean} clean slices and
{series} clean series of the same as they were found. Every class is drawn alike often, none to three on a slice,
severity log-uniform from 0.8 to 3.4, from a seed. In brackets: 95 % intervals by drawing the subjects anew (400
times); there are few subjects, so they are wide. Written by `python -m models.evaluate`. Figures on simulated
artifacts do not say how often a real one is found."""

PER_CLASS = """IoU and Dice are pooled over slices at half the canvas' resolution. AP: average precision. Sensitivity
and specificity are those of the operating point below. "Slices" show the class on 0.3 % of the image or more.
Classical metrics alone: a logistic regression on the evidence metrics of `inference/signal.py`, fitted on the
validation slices."""

OPERATING = """Chosen on validation slices. A probability is sigmoid(logit / temperature + bias), as a temperature
alone or with a bias, whichever has the smaller calibration error on subjects that it was not fitted on. Present from:
the best F1, or where 2 % of clean slices raise an alarm, whichever is higher, but never below {2:.2f} nor above
{3:.2f}: a threshold at an end of that range is not where these would have put it. Suitability: temperature {0:.2f},
bias {1:+.2f}. The calibration error (ECE) is that of each class by itself, since the errors of several classes cancel
where they are pooled. "Phase encoding not told": each clean slice is shown along both axes and the answers are joined,
as where a header does not tell the direction."""

ABSTAINING = """A slice is not scored where its features lie farther than {0:.3f} from those of the training: what 1 %
of the clean or of the simulated validation slices exceed, whichever is higher."""

SEVERITY = """By the severity that was planted: the share found of the slices that show the class, the IoU on all on
which it was planted (band left out), and how many show it. What is hardly visible at a low severity has no mask to be
found."""

SERIES = """By the way of the service: header gate, every slice, the summary of the series, the verdict at the default
thresholds (Usable from index {usable:g}, Repeat below index {index:g} or suitability {suitability:g}). Each clean
series once as it was found; {turned_away} more are no diagnostic series (localizers) and are turned away by their
kind: they count nowhere here. For the spoilt ones six slices from the middle of a series, all of them or two of them
with the same artifact, its severity raised until half of the six are unsuitable by their similarity to the clean ones:
most are borderline by construction. Grey zone left out: the mean similarity of the spoilt slices lies below
{clear:.2f}, where honest observers agree. Artifacts are simulated on the canvas, without a header: evidence metrics
that want air, the native matrix or the kind of image are heard less here than in the service."""

THRESHOLDS = """What other thresholds would come to: the share of series that get Repeat. Told on series that chose the
calibration (validation) and on a few that were trained on (at most two of a source), at most {0} slices of each,
spoilt as the test series are; the figures on training flatter the model. Thresholds are settings, chosen by hand with
this table at hand; nothing is chosen on the test series."""

STRESS = """Single slices of held-out subjects, half of them clean, half made unsuitable by motion, ghost, wrap or
spike; each judged as a series of one. Sure and wrong: Usable with a suitability of 0.8 or more on an unsuitable
slice, or Repeat with 0.2 or less on a clean one. Abstained: Not scored. Slices: those that are what they were meant to
be. Vendors and anatomies: the slices as found."""

REAL = """No masks, no reader: an engineer looked at slices of which the notes of the pool name an artifact, and
kept those on which it is to be seen (`models/sightings.toml`, which tells what was left out). None was trained on.
Few series, so a check that something of the simulation transfers, and no measure of how much. Beside it how often the
same class is said of the clean slices."""

PLAIN = """EPI of which the notes name no artifact, at most {0} slices of a series, none trained on. They show
distortion, piled-up signal and shifted fat as EPI do: what is said of them need not be a false alarm, nor is it known
to be right."""

DATA = """No public set of MR images with artifact masks exists. Artifacts are simulated in k-space, with exact masks,
on clean slices of public repositories (brain, prostate, knee, kidney, wrist, spine, test objects; Siemens, GE,
Philips, Canon/Toshiba, UIH) and of a numerical phantom. "Clean" means that no gross artifact was seen on a montage.
Splits are by subject and by source (`models/split.toml`); whether one volunteer was scanned for several repositories
is not known. Two kinds of benign variation (objects larger than the field of view, grey air) were added to the
training after false alarms had been seen on test sources: the figures on clean slices flatter the model by that."""

SIMULATION = """A complex image is made of a magnitude slice and a smooth random phase. Object (chemical shift,
susceptibility, fat suppression, flow, motion), coil (shading), folding (wrap, parallel imaging), then k-space
(ghosts, truncation, spikes, zippers, noise on the acquired samples) are passed through in this order
(`models/simulate.py`). A mask is where the change that an artifact makes exceeds a visibility threshold of 8 % of the
local brightness, 3.5 % of the body's median or 0.9 SD of the noise, whichever is highest; within a band of 0.7 to 1.4
times it two honest observers differ. A slice is called unsuitable if its local structural similarity to itself
without artifacts is below 0.85 in the mean or 0.60 at the tenth percentile: a starting value, not a reader's rating."""

LOOKS = (
    "The model looks at each slice and at its mirror image and answers with the mean; the costs count both."
)

GMLP_LEAD = """Point by point after the ten guiding principles of FDA, Health Canada and MHRA (2021)."""

GMLP: tuple[tuple[str, str], ...] = (
    (
        "Expertise of several disciplines over the whole life.",
        (
            "Partly. MR physics and software engineering shaped classes, simulation and tests; no radiologist "
            "or technologist has rated images yet."
        ),
    ),
    (
        "Good software engineering and security.",
        (
            "Yes. Typed, tested code under version control, locked run-time dependencies, a model that runs "
            "only with the hash of its card, no patient data in the repository."
        ),
    ),
    (
        "Participants and data that represent the patients.",
        (
            "No. Public volunteers and test objects of some thirty sources; age, sex and disease are mostly "
            "unknown, and several anatomies have one subject."
        ),
    ),
    (
        "Training apart from test.",
        (
            "Yes by subject and by source, written in `models/split.toml`; with the two exceptions told under "
            "Data and splits."
        ),
    ),
    (
        "Reference standards by the best available methods.",
        "Exact by construction for simulated artifacts; for suitability a similarity measure stands in for readers.",
    ),
    (
        "A design that fits the data and the intended use.",
        (
            "A small network for one slice at a time, calibrated, that runs on two processor cores at the "
            "scanner; known limits are listed above and bound what a verdict may say."
        ),
    ),
    (
        "The team of human and machine.",
        (
            "The verdict is a hint with place, reason and advice beside it; how technologists act on it has "
            "not been studied."
        ),
    ),
    (
        "Tests under clinically relevant conditions.",
        "Partly. Held-out sources, stress and series level are measured here; no prospective or on-site measurement.",
    ),
    (
        "Clear information for users.",
        "This card, thresholds in the settings, and the limits stated in card.toml.",
    ),
    (
        "Monitoring in use, and care with retraining.",
        (
            "Verdicts, artifacts and what is not scored are counted as metrics; a site commissions thresholds "
            "on its own images. A retrained model is another version with its own card."
        ),
    ),
)
