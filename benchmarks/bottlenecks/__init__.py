"""Real trainings with one bottleneck each, and healthy ones: does the verdict on their profiles name the cause?"""
