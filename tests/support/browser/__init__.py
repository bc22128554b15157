"""What the browser tests are made of: a JupyterLab, a Chromium, and a learner's hands in a notebook."""
