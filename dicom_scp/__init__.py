"""The door: DICOM in, identity off, bytes safe."""
