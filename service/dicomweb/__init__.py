"""DICOMweb (PS3.18): images come in by STOW-RS, results are found by QIDO-RS and fetched by WADO-RS."""
