"""This action beside the real `aws s3 sync`, and visitors beside a cache: random cases, each told by its seed."""
