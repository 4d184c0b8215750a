using SpecDecode.Drafting;
using SpecDecode.Evaluation;
using SpecDecode.Plans;
using SpecDecode.Stages;

namespace SpecDecode.Calibration;

/// <summary>A plan that was judged on held-out text.</summary>
public sealed record CalibratedPlan
{
    /// <summary>The blocks that the drafter runs.</summary>
    public required LayerPlan Plan { get; init; }

    /// <summary>Whether the drafter runs on a copy of the weights in lower precision.</summary>
    public required bool UsesDraftWeights { get; init; }

    /// <summary>Earlier exits that guess for it, ascending (<see cref="DraftingOptions.CascadeExits"/>); none where it drafts token by token.</summary>
    public IReadOnlyList<int> CascadeExits { get; init; } = [];

    /// <summary>Tokens that each of them guesses; 0 where there is none.</summary>
    public int CascadeLength { get; init; }

    /// <summary>The method that found it, the first of several.</summary>
    public required string Method { get; init; }

    /// <summary>Time of a draft row over that of a plain one; with a cascade, of a draft over its tokens.</summary>
    public required double DraftRowCost { get; init; }

    /// <summary>Share of draft tokens that were the full model's on the text that was searched on.</summary>
    public required double SearchAgreement { get; init; }

    /// <summary>The same on held-out text.</summary>
    public required double HeldOutAgreement { get; init; }

    /// <summary>On held-out text, for each position of a draft: how often its token was the full model's where those before it were.</summary>
    public required IReadOnlyList<double> AgreementByPosition { get; init; }

    /// <summary>Tokens per second over those of plain decoding that follow from agreement and costs, with the best draft length.</summary>
    public required double ExpectedSpeedup { get; init; }

    /// <summary>That draft length.</summary>
    public required int DraftLength { get; init; }

    /// <summary>Lengths of a text, in tokens, from which on it is expected to be better than the others, until another one is (<see cref="CalibrationOptions.Lengths"/>).</summary>
    public IReadOnlyList<int> FromLengths { get; init; } = [];

    /// <summary>Tokens per second over those of plain decoding, as texts were written in turn; null where it was not measured.</summary>
    public double? MeasuredSpeedup { get; init; }

    /// <summary>Share of draft tokens that were accepted when it was measured, of those that verification came to.</summary>
    public double? MeasuredAcceptance { get; init; }

    /// <summary>How often each text was written for that.</summary>
    public int Repetitions { get; init; }

    /// <summary>Whether the texts were those of plain decoding; null where it was not measured.</summary>
    public bool? SameText { get; init; }

    /// <summary>The plan as it is judged.</summary>
    internal PlanCandidate Candidate => new(Plan, UsesDraftWeights ? WeightSet.Drafter : WeightSet.Verifier);

    /// <summary>How it drafts.</summary>
    internal DraftPlan ToDraftPlan() => new()
    {
        Plan = Plan, Length = DraftLength, Weights = Candidate.Weights, Cascade = CascadeExits.Count == 0 ? null : new DraftCascade(CascadeExits, CascadeLength, 0),
    };
}
