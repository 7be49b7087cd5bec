"""What a project declares and what it has blessed: configuration, models, cases, goldens."""
