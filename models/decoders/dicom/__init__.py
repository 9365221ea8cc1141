"""DICOM to frames: `dataset` opens a file, `reader` decodes its pictures, `grey` makes grey levels of stored values.

`acquisition` takes from the header what Lumen keeps of it.

Only the decoding processes of `child` import pydicom and its codecs, so that no web process pays for them; what others
need to know stands in `signature`.
"""
