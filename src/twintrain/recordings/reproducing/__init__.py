"""A layer that differs, alone: a script a framework, with the smallest input that shows it."""
