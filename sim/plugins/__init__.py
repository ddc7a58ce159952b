"""Doubles of the provider plugins: real plugin processes for the real engine, with a simulated world behind them."""
