namespace SpecDecode.Kernels.Attention;

/// <summary>A part of attention that a thread does at a time: some query vectors of one sequence and key/value head over some stretches of positions.</summary>
internal unsafe struct AttentionTask
{
    /// <summary>The sequence.</summary>
    public int Sequence;

    /// <summary>The key/value head.</summary>
    public int Head;

    /// <summary>The first vector: those of a head are numbered row by row, in each row its query heads.</summary>
    public int FirstVector;

    /// <summary>How many vectors.</summary>
    public int Vectors;

    /// <summary>The first stretch of positions.</summary>
    public int FirstStretch;

    /// <summary>How many stretches.</summary>
    public int Stretches;

    /// <summary>
    /// Takes what each stretch gives, to be merged when all tasks have ended; null where the task has all stretches of its vectors, and merges them itself.
    /// <c>[stretches, vectors, D + 2]</c>.
    /// </summary>
    public float* Partials;
}
