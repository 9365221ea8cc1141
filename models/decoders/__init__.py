"""Bytes to frames: one file per format (jpeg, png, tiff, webp, heif, bmp), found by content in `registry`.

What they share: `limits`, `errors`, `exif` and `turn` (orientation), `profile` and `colour` (to sRGB), `window` (more
than 8 bits), `samples`, `pillow`. `stored` reads what was stored. `pool` and `child` decode in processes of their own.
"""
