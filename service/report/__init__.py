"""Results as DICOM objects: structured report, segmentation, quality-control card."""
