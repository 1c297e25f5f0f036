"""The eye: pixels in, findings out; no network, no patient."""
