"""The processes of the house: the door, the worker, the web. Each imports only what it needs to stay small."""
