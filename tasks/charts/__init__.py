"""Charts of the evidence: what is shown, as Vega-Lite specifications, and drawing them as SVG."""
