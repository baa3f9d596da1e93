"""Are the twins twins? Workers record what each framework computes; the checks compare the records."""
