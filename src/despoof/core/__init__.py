"""Words everybody uses: types, errors, strict configuration, devices and seeds."""
