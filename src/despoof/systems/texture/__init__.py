"""A classifier of texture on a backbone that was pretrained on ImageNet."""
