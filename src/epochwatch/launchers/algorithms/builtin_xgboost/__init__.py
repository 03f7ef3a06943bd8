"""SageMaker's built-in XGBoost, by the ``xgboost`` of the environment it runs in."""
