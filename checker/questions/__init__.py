"""Questions: what is asked, how an answer is read and judged, and what is left for a grader."""

from checker.questions.ablation import AblationAnswer, AblationQuestion
from checker.questions.answer import Facts, NetworkAnswer, PlainAnswer, ReadingAnswer
from checker.questions.network import NetworkQuestion, Rule
from checker.questions.prediction import ChoicePrediction, NumberPrediction, Prediction
from checker.questions.question import Assignment, Question
from checker.questions.quiz import ChoiceQuestion, NumberQuestion, ReasonQuestion
from checker.questions.reading import ReadingQuestion
from checker.questions.repair import Cause, Recipe, RepairAnswer, RepairQuestion
from checker.questions.rubric import Level, Rubric
from checker.questions.training import Training

__all__ = [
    "AblationAnswer",
    "AblationQuestion",
    "Assignment",
    "Cause",
    "ChoicePrediction",
    "ChoiceQuestion",
    "Facts",
    "Level",
    "NetworkAnswer",
    "NetworkQuestion",
    "NumberPrediction",
    "NumberQuestion",
    "PlainAnswer",
    "Prediction",
    "Question",
    "ReadingAnswer",
    "ReadingQuestion",
    "ReasonQuestion",
    "Recipe",
    "RepairAnswer",
    "RepairQuestion",
    "Rubric",
    "Rule",
    "Training",
]
