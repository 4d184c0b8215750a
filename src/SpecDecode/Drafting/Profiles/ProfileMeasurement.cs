namespace SpecDecode.Drafting.Profiles;

/// <summary>Where a profile's figures come from. Nothing is decided by it: on another machine the text is the same, and the gain may be another.</summary>
public sealed record ProfileMeasurement
{
    /// <summary>The processor, in words; null where it is not known.</summary>
    public string? Processor { get; init; }

    /// <summary>Threads that computed; null where that is not known.</summary>
    public int? Threads { get; init; }

    /// <summary>What the model's matrices were stored as; null where that is not known.</summary>
    public Precision? Precision { get; init; }

    /// <summary>What those of the copy for drafting were stored as; null where there was none.</summary>
    public Precision? DraftPrecision { get; init; }

    /// <summary>Whose kernels multiplied, in words (<c>own, AVX2</c>); null where that is not known.</summary>
    public string? Kernels { get; init; }

    /// <summary>The day; null where it is not known.</summary>
    public DateOnly? Date { get; init; }
}
