"""What any two networks compute, recorded layer by layer, and where and why they part."""
