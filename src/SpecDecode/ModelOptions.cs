namespace SpecDecode;

/// <summary>How a checkpoint is loaded.</summary>
public class ModelOptions
{
    /// <summary>
    /// Folder for prepared-weights files: the checkpoint's weights, converted once to the precision that is asked for. Safe to
    /// share between processes and to delete while no process uses it.
    /// </summary>
    /// <value>The default, null, is <c>specdecode</c> in the user's cache directory.</value>
    public string? CacheFolder { get; set; }

    /// <summary>
    /// What the model's matrices are stored as. Rounding them to fewer bits than the checkpoint has changes what the model
    /// says a little; drafting for it does not change it any further.
    /// </summary>
    /// <value>
    /// The default, null, is <see cref="Precision.Stored"/>, which rounds nothing, or what a prepared folder holds. Asking for another
    /// precision than a prepared folder holds is an error.
    /// </value>
    public Precision? Precision { get; set; }

    /// <summary>
    /// What the LM head is rounded to. Where the checkpoint ties head and embedding this is the embedding's precision too, so
    /// that they stay one table.
    /// </summary>
    /// <value>
    /// The default, null, is <see cref="Precision.Int8"/> with <see cref="Precision.Int8"/> and <see cref="Precision.Int4"/>, and else that of the
    /// matrices, or what a prepared folder holds.
    /// </value>
    public Precision? HeadPrecision { get; set; }

    /// <summary>
    /// The precision of a second copy of the weights, for drafting: where there is one, the model drafts for itself in 8 or
    /// 4 bits, and verifies in <see cref="Precision"/>. It takes memory besides the model's own weights: about half as much as they
    /// take in 16 bits for int8, and 0.3 times as much for int4.
    /// </summary>
    /// <value>The default, null, is no such copy. Lower than <see cref="Precision"/>.</value>
    public Precision? DraftPrecision { get; set; }

    /// <summary>
    /// How many tokens drafts choose from: the head of a draft multiplies by their rows alone (FR-Spec, 2502.14856). They are those that
    /// prompts and outputs had lately. The verifier chooses from all, so that the text is the same; it takes memory for that many rows of the head.
    /// </summary>
    /// <value>
    /// The default, null, is 4096 tokens of a vocabulary of at least 16384 with <see cref="KernelChoice.Own"/>, and else all. 0 is all; another number is
    /// rounded up to a multiple of 32, and needs <see cref="KernelChoice.Own"/>.
    /// </value>
    public int? DraftVocabulary { get; set; }

    /// <summary>
    /// What the head of drafts is rounded to: the rows of <see cref="DraftVocabulary"/>'s tokens, or of all, are copied in this precision, and drafts score with
    /// them. The verifier scores with the head itself, so that the text is the same.
    /// </summary>
    /// <value>
    /// The default, null, is what the head is stored as. <see cref="Precision.Int8"/> or <see cref="Precision.Int4"/>, in fewer bits than the head, and in blocks of
    /// <see cref="BlockSize"/>; needs <see cref="KernelChoice.Own"/>. Drafts on a copy of the weights (<see cref="DraftPrecision"/>) use the copy's head where that has as few bits.
    /// </value>
    public Precision? DraftHeadPrecision { get; set; }

    /// <summary>
    /// How many weights share a scale: 16, 32, 64, 128 or 256. Larger blocks make a smaller file and lose more. Where a row
    /// would not come out the same, bit for bit, alone and among others, so that drafting might change the text, loading warns.
    /// </summary>
    /// <value>The default, null, is 32, or what a prepared folder holds.</value>
    public int? BlockSize { get; set; }

    /// <summary>
    /// What rows are rounded to where they are multiplied by quantised matrices; other matrices are multiplied in float32
    /// always. Says nothing about how weights are stored.
    /// </summary>
    /// <value>The default is <see cref="ActivationPrecision.Int8"/>.</value>
    public ActivationPrecision Activations { get; set; }

    /// <summary>Whose code multiplies rows by matrices.</summary>
    /// <value>
    /// The default, null, is <see cref="KernelChoice.Own"/> on processors that it has code for (x64 with AVX2 and FMA or AVX-512, Arm64 with the dot product),
    /// or what a prepared folder was made for, and else <see cref="KernelChoice.OnnxRuntime"/>.
    /// </value>
    public KernelChoice? Kernels { get; set; }

    /// <summary>Where weights lie while the model is loaded; for <see cref="KernelChoice.Own"/>.</summary>
    /// <value>The default is <see cref="WeightMemory.Mapped"/>.</value>
    public WeightMemory WeightMemory { get; set; }

    /// <summary>
    /// The chat template that conversations are rendered with, in place of the checkpoint's: a file with a Jinja template, or the template itself
    /// (what has a brace in it is one). The checkpoint's special tokens are variables of it.
    /// </summary>
    /// <value>The default, null, is the checkpoint's own, where it has one.</value>
    public string? ChatTemplate { get; set; }

    /// <summary>
    /// Whether loading and preparing read all weights and compare them with their hashes: the whole checkpoint, and the whole file
    /// that was prepared of it. Otherwise they are read once, and again when the system says something else of a file than then (its
    /// length, its time, which file it is); damage that changes none of that is noticed only with this.
    /// </summary>
    /// <value>The default is false. With true, loading takes as long as reading both takes.</value>
    public bool VerifyWeights { get; set; }

    /// <summary>The same options, to change some of them.</summary>
    internal ModelOptions Copy() => (ModelOptions)MemberwiseClone();
}
