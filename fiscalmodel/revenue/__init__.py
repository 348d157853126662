"""What comes: forecasts, nowcasts, items and targets of revenue."""
