"""What people look at: pages, pictures, tables and sentences, from figures that are already there."""
