"""What tells an object of ours when it comes back: the equipment in its header (PS3.3, C.7.5.1)."""

MANUFACTURER = "Scanside"
MODEL = "Scanside MR image quality"
OWN = "a result of our own"  # why it is dropped
