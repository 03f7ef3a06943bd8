"""The report on a training with XGBoost: what it says in numbers, its pictures, its page."""
