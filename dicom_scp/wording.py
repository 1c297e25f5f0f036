"""The vocabulary: words of MR imaging that may be kept of free text, because they can mean nobody."""

import re

_CONTRASTS = {  # as written, and what it is written as
    "T1": "T1", "T1W": "T1", "T1WI": "T1", "T2": "T2", "T2W": "T2", "T2WI": "T2", "T2STAR": "T2STAR",
    "PD": "PD", "PDW": "PD", "FLAIR": "FLAIR", "DARKFLUID": "FLAIR", "STIR": "STIR", "TIRM": "STIR", "DIR": "DIR",
    "DWI": "DWI", "DIFF": "DWI", "DIFFUSION": "DWI", "DTI": "DTI", "DSI": "DTI", "ADC": "ADC", "TRACE": "TRACE",
    "TRACEW": "TRACE", "FA": "FA", "SWI": "SWI", "SWAN": "SWI", "TOF": "TOF", "MRA": "MRA", "MRV": "MRV",
    "MRCP": "MRCP", "PERF": "PERFUSION", "PERFUSION": "PERFUSION", "PWI": "PERFUSION", "DSC": "PERFUSION",
    "DCE": "DCE", "ASL": "ASL", "PCASL": "ASL", "BOLD": "BOLD", "FMRI": "BOLD", "QSM": "QSM", "MPRAGE": "MPRAGE",
    "MP2RAGE": "MP2RAGE", "SPGR": "SPGR", "BRAVO": "SPGR", "FSPGR": "SPGR", "SPACE": "SPACE", "CUBE": "SPACE",
    "VISTA": "SPACE", "TSE": "TSE", "FSE": "TSE", "FRFSE": "TSE", "HASTE": "HASTE", "SSFSE": "HASTE", "SE": "SE",
    "GRE": "GRE", "FFE": "GRE", "TFE": "GRE", "FLASH": "GRE", "VIBE": "VIBE", "LAVA": "VIBE", "THRIVE": "VIBE",
    "TRUFI": "SSFP", "FIESTA": "SSFP", "CISS": "SSFP", "SSFP": "SSFP", "DIXON": "DIXON", "EPI": "EPI",
    "LOC": "LOCALIZER", "LOCALIZER": "LOCALIZER", "LOCALISER": "LOCALIZER", "SCOUT": "LOCALIZER", "SURVEY": "LOCALIZER",
    "PASL": "ASL", "CASL": "ASL", "3DASL": "ASL", "3DPCASL": "ASL", "2DPCASL": "ASL", "FCMRI": "BOLD",
    "APPARENT": "ADC", "MEMPRAGE": "MPRAGE", "B0MAP": "FIELDMAP",
    "MIP": "MIP", "MPR": "MPR", "FIELDMAP": "FIELDMAP", "FATSAT": "FS", "FS": "FS", "SPAIR": "SPAIR", "SPIR": "SPIR",
    "PRE": "PRE", "POST": "POST", "NATIVE": "PRE", "GD": "POST", "CE": "POST", "KM": "POST", "3D": "3D", "2D": "2D",
}  # fmt: skip
_ORIENTATIONS = {
    "AX": "AX", "AXI": "AX", "AXIAL": "AX", "TRA": "AX", "TRANS": "AX", "TRANSVERSE": "AX", "TRANSVERSAL": "AX",
    "SAG": "SAG", "SAGITTAL": "SAG", "COR": "COR", "CORONAL": "COR", "OBL": "OBL", "OBLIQUE": "OBL",
}  # fmt: skip
_PART_WORDS = """
    HEAD BRAIN SKULL FACE ORBIT ORBITS EYE PITUITARY SELLA IAC EAR NEURO CEREBRUM CEREBELLUM SINUS JAW TMJ NECK THYROID
    LARYNX SPINE CSPINE TSPINE LSPINE SSPINE CTSPINE TLSPINE LSSPINE CERVICAL THORACIC LUMBAR SACRUM SACRAL COCCYX
    SIJOINT WHOLESPINE BACK CHEST THORAX RIB STERNUM LUNG BREAST MAMMA HEART CARDIAC AORTA ABDOMEN LIVER BILEDUCT
    GALLBLADDER PANCREAS SPLEEN KIDNEY RENAL ADRENAL BOWEL COLON RECTUM PELVIS PROSTATE UTERUS OVARY BLADDER PENIS
    SCROTUM TESTIS FETUS FETAL HIP FEMUR THIGH KNEE PATELLA CALF TIBIA FIBULA LEG ANKLE CALCANEUS FOOT TOE SHOULDER
    CLAVICLE SCAPULA HUMERUS ARM ELBOW FOREARM RADIUS ULNA WRIST HAND FINGER THUMB EXTREMITY UPPER LOWER WHOLEBODY BODY
    VESSEL VESSELS ARTERY VEIN CAROTID JOINT PHANTOM LEFT RIGHT BOTH
    """
_PARTS = {word: word for word in _PART_WORDS.split()} | {
    "CEREBRAL": "BRAIN", "HIRN": "BRAIN", "KOPF": "HEAD", "SCHAEDEL": "HEAD", "NEUROCRANIUM": "HEAD", "TETE": "HEAD",
    "CRANE": "HEAD", "HWS": "CSPINE", "BWS": "TSPINE", "LWS": "LSPINE", "KNIE": "KNEE", "FUSS": "FOOT",
    "SCHULTER": "SHOULDER", "BECKEN": "PELVIS", "LEBER": "LIVER", "GENOU": "KNEE", "ACR": "PHANTOM",
}  # fmt: skip
_WORDS = _CONTRASTS | _ORIENTATIONS | _PARTS
# What a name may be without meaning anybody: terms of attributes, makers and their products
_FURTHER = """
    ORIGINAL DERIVED PRIMARY SECONDARY OTHER NONE MIXED NORM DIS2D DIS3D MOSAIC MAGNITUDE PHASE REAL IMAGINARY MFSPLIT
    SIEMENS HEALTHINEERS HEALTHCARE PHILIPS GE MEDICAL SYSTEMS TOSHIBA CANON HITACHI FUJIFILM UIH UNITED IMAGING
    HYPERFINE ESAOTE BRUKER NEUSOFT FONAR PARAMED HYUNDAI GMBH INC LTD AND
    MAGNETOM SKYRA PRISMA VIDA AERA AVANTO TRIO TRIOTIM VERIO SONATA SYMPHONY ESPREE ESSENZA SOLA LUMINA TERRA ALTEA
    AMIRA FREEMAX CIMA BIOGRAPH SIGNA PREMIER ARCHITECT ARTIST PIONEER VOYAGER OPTIMA DISCOVERY EXCITE ACHIEVA INGENIA
    INTERA ELITION AMBITION PANORAMA VANTAGE TITAN GALAN ORIAN ECHELON AIRIS SYNGO 1T 3T 5T 7T 15T
    """
TERMS = frozenset(_WORDS) | frozenset(_WORDS.values()) | frozenset(_FURTHER.split())
BODY = frozenset(_PARTS)
_SPINAL = frozenset("CTLS")  # C SPINE, L-SPINE

_TOKEN = re.compile(r"[A-Z0-9]+")
_NO_WORD = re.compile(r"[^A-Z0-9*]+")
_STAR = re.compile(r"T2\s?\*")
_FIELD_MAP = re.compile(r"\bFIELD ?MAP(PING|S)?\b")
_LOC = re.compile(r"(?i)\bloc\b")
_MOST_OF_A_NAME = 6  # words; in what is longer, a sentence, "loc" is no localizer
_MOST_WORDS = 8
_WEIGHTS, _REGIONS = frozenset(_CONTRASTS.values()), frozenset(_PARTS.values())
_PHANTOM = "PHANTOM"  # stands with the words of the contrast too: the part may name what it stands for


def tokens(text: str) -> list[str]:
    """Split a text into words of letters and digits, in upper case."""
    return _TOKEN.findall(text.upper())


def words_of(text: str) -> list[str]:
    """Give what a text holds of the vocabulary, each once, in the spelling of the vocabulary."""
    shout = _NO_WORD.sub(" ", text.upper())
    shout = _FIELD_MAP.sub("FIELDMAP", _STAR.sub("T2STAR", shout))
    found = (_WORDS[token] for token in _TOKEN.findall(shout) if token in _WORDS)
    return list(dict.fromkeys(found))


def coded(texts: list[str]) -> dict[str, str]:
    """Give what descriptions (of the series, of its protocol, of the study) say, by what it is about.

    Words of the contrast, parted by backslashes, come from the first of the series' own two descriptions that has any:
    those of a study are about other series too. Of orientations and parts of the body the first counts.
    """
    spoken = [
        words_of(_LOC.sub(" ", text) if len(tokens(text)) > _MOST_OF_A_NAME else text) for text in texts
    ]
    contrast = next(filter(None, ([word for word in words if word in _WEIGHTS] for words in spoken[:2])), [])
    every = [word for words in spoken for word in words]
    found = {
        "contrast": contrast[:_MOST_WORDS] + [_PHANTOM] * (_PHANTOM in every),
        "orientation": [word for word in every if word in _ORIENTATIONS][:1],
        "part": [word for word in every if word in _REGIONS][:1],
    }
    return {name: "\\".join(words) for name, words in found.items() if words}


def is_term(text: str) -> bool:
    """Tell whether a text is made of words that mean nobody."""
    found = tokens(text)
    return bool(found) and all(token in TERMS for token in found)


def of_the_body(text: str) -> bool:
    """Tell whether a text is made of names of parts of the body alone."""
    found = tokens(text)
    return bool(found) and all(word in BODY or word in _SPINAL for word in found)
