// What the help page says, in words for each of those who use the console.

import { speak } from "/static/language.js";

export const CATALOGUE = {
  en: {
    title: "Help",
    contents: "On this page",
    figure: (title) => `${title}: how it looks, drawn over a schematic head`,
    artifactsTitle: "What the artifacts look like",
    artifactsWhy: "Drawn schematically; no patient's image is shown here. What to do about each depends on the sequence: the advice beside a verdict has read the protocol.",
    artifacts: {
      motion: ["Motion", "Edges are blurred or doubled.", "The patient moved, breathed or swallowed during the scan."],
      ghost: ["Ghosting", "Faint copies along phase encoding; in EPI half a field of view away.", "Periodic motion, or the phase correction of EPI."],
      flow: ["Flow or pulsation", "Bright or dark spots repeated along phase encoding, in line with a vessel.", "Blood or fluid that pulses."],
      wrap: ["Wrap-around", "Anatomy from outside appears on the opposite side.", "The field of view is smaller than the body along phase encoding."],
      gibbs: ["Gibbs ringing", "Fine parallel lines beside sharp edges.", "Few lines of k-space were acquired."],
      spike: ["K-space spike", "Stripes over the whole image.", "An electric discharge: loose cables, metal, dry air."],
      zipper: ["Zipper", "A dotted line across the image.", "Radio waves from outside or from devices in the room."],
      noise: ["Low signal to noise", "Grain everywhere.", "Too little signal: coil, small voxels, high acceleration."],
      bias: ["Inhomogeneity", "Brightness changes smoothly over the image.", "Distance from the coil, or uneven excitation. Normal near surface coils."],
      susceptibility: ["Susceptibility", "A dark hole with bright rims, shapes are bent.", "Metal or air beside tissue."],
      chemshift: ["Chemical shift", "A dark rim on one side of fat and a bright one on the other.", "Fat resonates at another frequency than water."],
      parallel: ["Parallel imaging", "Folded edges inside the body and a band of noise.", "Acceleration was too high, or the reference scan does not fit."],
      fatsat: ["Failed fat suppression", "Fat stays bright in places, or water turns dark.", "The field is uneven: metal, air, far from the centre."],
    },
    keysTitle: "Keys",
    keysSeries: "Slices of a series",
    keysBoard: "Board of a scanner",
    keysReview: "Review",
    parts: [
      {
        id: "technologist",
        title: "For technologists",
        text: [
          "When a series is complete its verdict appears within seconds, on the console and on the board of your scanner. There are four:",
          ["Usable: nothing speaks against it.", "Check: look at it before the patient leaves; the reason stands beside it.", "Repeat: it is not diagnostic and a new scan can mend it. You decide.", "Not scored: this kind of image is not judged, or it could not be. It is no pass."],
          "Open the verdict to see which artifact was found on which slices, where it lies, and what to change. The advice reads the protocol; what a change costs in time, signal or SAR stands behind it. How long a repeat takes is said only where the scanner tells.",
          "Series with contrast agent or over time never say Repeat: the moment is gone. Tell the radiologist.",
          "Say what you think of a verdict with one click: right, wrong alarm, repeated, accepted anyway. That is how the thresholds get better.",
          "NOT LIVE over the page means that what you see is old. Work as if there were no Scanside until it goes away, and tell IT.",
        ],
      },
      {
        id: "pacs",
        title: "For PACS administrators",
        text: [
          "Results leave under the true patient and study: a structured report (TID 1500), a segmentation, and whatever forms the destination takes. A later image of a series makes the next report, which names the one before.",
          ["Deliveries shows each result on its way, with state, attempts and the last answer. What failed can be sent again, held, or discarded with a reason.", "Nodes shows scanners and destinations, asks them by C-ECHO, and who was turned away at the door.", "Rules say what happens after a verdict: where results go, what is held, whom to alert. Try a rule on past series before it is in force."],
          "Archives can read the verdict from codes in the report or ask the API; recipes stand in the conformance statement.",
        ],
      },
      {
        id: "it",
        title: "For IT",
        text: [
          "Three parts run: the door (DICOM), the worker (model) and the web. /livez, /readyz and /metrics tell how they are; the page System shows the same for people.",
          ["`scanside check` says whether the installation can do its work.", "`scanside backup` and `restore` keep database, keys and spool together. Without the key nothing can be opened again.", "`scanside audit verify` checks that no row of the audit log was changed, taken out or cut off. Send the process log to another machine: each head of the audit log stands in it.", "Everything is served from this machine; no page asks another one for anything."],
          "Every operation of the API is described on the page API, from the same description that programs read.",
        ],
      },
      {
        id: "physicist",
        title: "For physicists",
        text: [
          "The score is a network's; the metrics beside it are classical ones with the site's own reference bands. Where the two clearly disagree the verdict is Check.",
          ["Review: what the model was not sure of, what people objected to, and a sample of the rest. Comments are needed unless it is Usable.", "Agreement: how far people and model agree, and thresholds tried on past series before anyone accepts them.", "Trends: scores, metrics and repeats per scanner, coil, protocol and artifact, with control limits."],
          "In shadow mode everything is scored and kept, and nobody is alerted, until thresholds are accepted.",
        ],
      },
    ],
    limits: {
      id: "limits",
      title: "What this cannot see",
      text: [
        [
          "Wrong patient, wrong side, wrong protocol, wrong positioning or a wrong contrast: images without artifacts can still be the wrong images.",
          "Whether a finding is visible: it judges quality, not disease.",
          "Artifacts smaller than about four pixels of the model's picture, and detail that the picture does not keep.",
          "Derived maps, localizers, phase images and spectra: they are Not scored.",
          "The magic angle effect in tendons and cartilage: it never alarms.",
          "What never arrived: where the scanner tells how many images it made, missing ones are said; else not.",
        ],
        "It supports the people at the scanner and replaces nobody's judgement.",
      ],
    },
  },
  de: {
    title: "Hilfe",
    contents: "Auf dieser Seite",
    figure: (title) => `${title}: wie es aussieht, über einen schematischen Kopf gezeichnet`,
    artifactsTitle: "Wie die Artefakte aussehen",
    artifactsWhy: "Schematisch gezeichnet; hier ist kein Bild eines Patienten zu sehen. Was zu tun ist, hängt von der Sequenz ab: Der Rat neben einem Urteil hat das Protokoll gelesen.",
    artifacts: {
      motion: ["Bewegung", "Kanten sind unscharf oder doppelt.", "Der Patient hat sich bewegt, geatmet oder geschluckt."],
      ghost: ["Geisterbilder", "Schwache Kopien entlang der Phasenkodierung; bei EPI um ein halbes Messfeld versetzt.", "Periodische Bewegung oder die Phasenkorrektur bei EPI."],
      flow: ["Fluss oder Pulsation", "Helle oder dunkle Flecken wiederholen sich entlang der Phasenkodierung, auf der Linie eines Gefäßes.", "Blut oder Flüssigkeit pulsiert."],
      wrap: ["Einfaltung", "Anatomie von außen erscheint auf der Gegenseite.", "Das Messfeld ist entlang der Phasenkodierung kleiner als der Körper."],
      gibbs: ["Gibbs-Ringing", "Feine parallele Linien neben scharfen Kanten.", "Es wurden wenige Zeilen des k-Raums gemessen."],
      spike: ["Spike im k-Raum", "Streifen über dem ganzen Bild.", "Eine elektrische Entladung: lose Kabel, Metall, trockene Luft."],
      zipper: ["Reißverschluss", "Eine gepunktete Linie quer durch das Bild.", "Funkwellen von außen oder von Geräten im Raum."],
      noise: ["Wenig Signal", "Überall Rauschen.", "Zu wenig Signal: Spule, kleine Voxel, hohe Beschleunigung."],
      bias: ["Inhomogenität", "Die Helligkeit ändert sich allmählich über das Bild.", "Abstand zur Spule oder ungleiche Anregung. Nahe an Oberflächenspulen normal."],
      susceptibility: ["Suszeptibilität", "Ein dunkles Loch mit hellen Rändern, verbogene Formen.", "Metall oder Luft neben Gewebe."],
      chemshift: ["Chemische Verschiebung", "Ein dunkler Saum auf der einen und ein heller auf der anderen Seite von Fett.", "Fett hat eine andere Frequenz als Wasser."],
      parallel: ["Parallele Bildgebung", "Eingefaltete Kanten im Körper und ein Band aus Rauschen.", "Zu hohe Beschleunigung, oder die Referenzmessung passt nicht."],
      fatsat: ["Fettunterdrückung misslungen", "Fett bleibt stellenweise hell, oder Wasser wird dunkel.", "Das Feld ist ungleich: Metall, Luft, weit von der Mitte."],
    },
    keysTitle: "Tasten",
    keysSeries: "Schichten einer Serie",
    keysBoard: "Tafel eines Scanners",
    keysReview: "Begutachtung",
    parts: [
      {
        id: "technologist",
        title: "Für MTR",
        text: [
          "Ist eine Serie vollständig, erscheint ihr Urteil nach Sekunden auf der Konsole und auf der Tafel Ihres Scanners. Es gibt vier:",
          ["Verwendbar: Nichts spricht dagegen.", "Prüfen: Ansehen, bevor der Patient geht; der Grund steht daneben.", "Wiederholen: Nicht diagnostisch, und eine neue Messung kann helfen. Sie entscheiden.", "Nicht bewertet: Diese Art von Bild wird nicht beurteilt, oder es ging nicht. Das ist keine Freigabe."],
          "Öffnen Sie das Urteil: Sie sehen, welches Artefakt auf welchen Schichten gefunden wurde, wo es liegt und was zu ändern ist. Der Rat liest das Protokoll; was eine Änderung an Zeit, Signal oder SAR kostet, steht dahinter. Wie lange eine Wiederholung dauert, steht nur da, wenn der Scanner es sagt.",
          "Serien mit Kontrastmittel oder über die Zeit sagen nie Wiederholen: Der Augenblick ist vorbei. Verständigen Sie die Radiologie.",
          "Sagen Sie mit einem Klick, was Sie vom Urteil halten: richtig, Fehlalarm, wiederholt, trotzdem angenommen. So werden die Schwellen besser.",
          "NICHT LIVE über der Seite heißt: Was Sie sehen, ist alt. Arbeiten Sie so lange, als gäbe es Scanside nicht, und verständigen Sie die IT.",
        ],
      },
      {
        id: "pacs",
        title: "Für die PACS-Administration",
        text: [
          "Ergebnisse gehen unter dem wahren Patienten und der wahren Studie hinaus: ein strukturierter Bericht (TID 1500), eine Segmentierung und die Formen, die das Ziel nimmt. Ein spätes Bild einer Serie erzeugt den nächsten Bericht, der den vorigen nennt.",
          ["Sendungen zeigt jedes Ergebnis auf dem Weg, mit Zustand, Versuchen und letzter Antwort. Was scheiterte, kann erneut gesendet, angehalten oder mit Begründung verworfen werden.", "Knoten zeigt Scanner und Ziele, fragt sie mit C-ECHO, und wer abgewiesen wurde.", "Regeln sagen, was nach einem Urteil geschieht: wohin Ergebnisse gehen, was angehalten wird, wer verständigt wird. Erproben Sie eine Regel an früheren Serien, bevor sie gilt."],
          "Archive können das Urteil aus den Codes des Berichts lesen oder die API fragen; Anleitungen stehen in der Konformitätserklärung.",
        ],
      },
      {
        id: "it",
        title: "Für die IT",
        text: [
          "Drei Teile laufen: der Empfang (DICOM), der Arbeiter (Modell) und das Web. /livez, /readyz und /metrics sagen, wie es ihnen geht; die Seite System zeigt dasselbe für Menschen.",
          ["`scanside check` sagt, ob die Installation ihre Arbeit tun kann.", "`scanside backup` und `restore` halten Datenbank, Schlüssel und Ablage zusammen. Ohne den Schlüssel lässt sich nichts mehr öffnen.", "`scanside audit verify` prüft, dass keine Zeile des Protokolls geändert, entfernt oder abgeschnitten wurde. Leiten Sie das Prozess-Log auf einen anderen Rechner: Jeder Kopf des Protokolls steht darin.", "Alles kommt von diesem Rechner; keine Seite fragt einen anderen nach irgendetwas."],
          "Jede Operation der API ist auf der Seite API beschrieben, aus derselben Beschreibung, die Programme lesen.",
        ],
      },
      {
        id: "physicist",
        title: "Für die Medizinphysik",
        text: [
          "Die Bewertung stammt von einem Netz; die Messgrößen daneben sind klassische mit den eigenen Referenzbändern des Hauses. Wo beide sich klar widersprechen, lautet das Urteil Prüfen.",
          ["Begutachtung: was dem Modell unsicher war, wogegen Menschen Einspruch erhoben, und eine Stichprobe vom Rest. Kommentare sind nötig, außer bei Verwendbar.", "Übereinstimmung: wie weit Menschen und Modell übereinstimmen, und Schwellen, an früheren Serien erprobt, bevor jemand sie annimmt.", "Verläufe: Bewertungen, Messgrößen und Wiederholungen je Scanner, Spule, Protokoll und Artefakt, mit Eingriffsgrenzen."],
          "Im Schattenbetrieb wird alles bewertet und aufbewahrt, und niemand wird verständigt, bis Schwellen angenommen sind.",
        ],
      },
    ],
    limits: {
      id: "limits",
      title: "Was dies nicht sehen kann",
      text: [
        [
          "Falscher Patient, falsche Seite, falsches Protokoll, falsche Lagerung oder falscher Kontrast: Bilder ohne Artefakte können trotzdem die falschen sein.",
          "Ob ein Befund zu sehen ist: Beurteilt wird die Qualität, nicht die Krankheit.",
          "Artefakte, die kleiner sind als etwa vier Bildpunkte des Modellbildes, und Einzelheiten, die dieses Bild nicht behält.",
          "Abgeleitete Karten, Localizer, Phasenbilder und Spektren: Sie sind Nicht bewertet.",
          "Den Magic-Angle-Effekt in Sehnen und Knorpel: Er löst nie Alarm aus.",
          "Was nie ankam: Sagt der Scanner, wie viele Bilder er machte, werden fehlende genannt; sonst nicht.",
        ],
        "Es unterstützt die Menschen am Scanner und ersetzt niemandes Urteil.",
      ],
    },
  },
};
export const WORDS = speak(CATALOGUE);
