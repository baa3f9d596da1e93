"""Files of weights that this project has not written: read without running what is in them, and put into our layers."""
