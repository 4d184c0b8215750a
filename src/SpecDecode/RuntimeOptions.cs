namespace SpecDecode;

/// <summary>How a model is run: where, on how many threads, with how long sequences.</summary>
public class RuntimeOptions
{
    private const int MostRowsPerPass = 8192;
    private const int MostSequences = 4096;
    private const float MostSearchShare = 0.5f;

    /// <summary>Execution provider of ONNX Runtime: <c>cpu</c> or <c>cuda</c>, in any case. On <c>cuda</c> the products run, norms and activations with
    /// them, and attention where <see cref="DeviceAttention"/> allows. It needs the package Microsoft.ML.OnnxRuntime.Gpu in the application, and was never run on a device.</summary>
    /// <value>The default is <c>cpu</c>.</value>
    public string ExecutionProvider { get; set; } = "cpu";

    /// <summary>Device number for <c>cuda</c>; <c>cpu</c> has only device 0.</summary>
    /// <value>The default is 0.</value>
    public int DeviceId { get; set; }

    /// <summary>
    /// Whether <c>cuda</c> may multiply float32 rows by float32 matrices in TF32, which is several times as fast and has the 10 bits of float16 after the point. Has no
    /// place with another <see cref="ComputePrecision"/>, and none on <c>cpu</c>: asking for it there is an error.
    /// </summary>
    /// <value>The default is false.</value>
    public bool Tf32 { get; set; }

    /// <summary>
    /// Whether attention runs on <c>cuda</c> too, with its keys and values there, in <see cref="ComputePrecision"/> and each sequence's in one stretch of memory that has room for
    /// <see cref="MaxSequenceLength"/> positions. It needs 16 bits. True where the model does not allow it is an error that says why, and so it is on <c>cpu</c>; with false attention runs on the
    /// CPU, and rows are copied there and back in each layer.
    /// </summary>
    /// <value>The default, null, is true where it can be had; else attention runs on the CPU, and loading warns and says why.</value>
    public bool? DeviceAttention { get; set; }

    /// <summary>
    /// Most memory of the device, in megabytes (2^20 bytes), for rows, keys and values together, and again for the scratch memory of each stage: ONNX Runtime's <c>gpu_mem_limit</c>. Weights are
    /// not counted. Where attention runs on the device, half of it is the default of <see cref="KvCacheMegabytes"/>. An error on <c>cpu</c>.
    /// </summary>
    /// <value>The default, null, is no limit. At least 1.</value>
    public int? DeviceMemoryMegabytes { get; set; }

    /// <summary>
    /// Whether blocks that run in shapes that come again, of up to 32 rows, are captured as CUDA graphs, for each thread that runs the model, and played back then (ONNX Runtime's <c>enable_cuda_graph</c>). It
    /// needs attention on the device (<see cref="DeviceAttention"/>), since rows that are copied in cannot be captured: without it, and on <c>cpu</c>, it is an error. While a shape is captured
    /// nothing else of the process may use the device.
    /// </summary>
    /// <value>The default is false.</value>
    public bool CudaGraphs { get; set; }

    /// <summary>
    /// Whether, in passes of a single sequence, blocks that run together again and again become one call of the device, attention among them. They are sessions beside those of the blocks and take the
    /// weights of what is in them once more, in the device's memory; they are made while sequences run, when a run of blocks has come sixteen times. It needs attention on the device
    /// (<see cref="DeviceAttention"/>) and a model without parallel layers: without these, and on <c>cpu</c>, where segments need no option, it is an error.
    /// </summary>
    /// <value>The default is false.</value>
    public bool DeviceSegments { get; set; }

    /// <summary>
    /// Threads of the pool that computes, the calling one included. The pool belongs to the process and is made by the
    /// first model that is loaded; a later model must leave this null or ask for the same. At most 64, or as many as the
    /// process may use processors where those are more.
    /// </summary>
    /// <value>
    /// The default, null, is one thread per physical core that the process may use: its processor affinity, the whole processors of
    /// a container's quota and <c>DOTNET_PROCESSOR_COUNT</c> count. At least one.
    /// </value>
    public int? Threads { get; set; }

    /// <summary>
    /// Whether the pool's threads spin for a moment before they sleep. It makes small steps faster and costs processor
    /// time right after each of them. Belongs to the process, as <see cref="Threads"/> does.
    /// </summary>
    /// <value>The default, null, is true, or what an earlier model or loading of the process asked for.</value>
    public bool? Spinning { get; set; }

    /// <summary>
    /// Whether ONNX Runtime may send usage telemetry of its own, which its official builds do unless told not to. This library tells
    /// them not to before it first calls ONNX Runtime, and sends nothing itself. Belongs to the process, as <see cref="Threads"/> does; a
    /// variable <c>ORT_DISABLE_TELEMETRY=1</c> of the process holds in any case.
    /// </summary>
    /// <value>The default is false.</value>
    public bool AllowRuntimeTelemetry { get; set; }

    /// <summary>Longest sequence, prompt and new tokens together.</summary>
    /// <value>The default, null, is what the checkpoint allows (<c>max_position_embeddings</c>), which is also the maximum.</value>
    public int? MaxSequenceLength { get; set; }

    /// <summary>Most rows, that is tokens of all sequences together, that one pass computes.</summary>
    /// <value>The default is 512; 1 to 8192.</value>
    public int MaxRowsPerPass { get; set; } = 512;

    /// <summary>
    /// Most rows of prompts in a pass, all prompts together: long prompts are read in such pieces beside the sequences that write,
    /// which hold the longer for it the larger they are. More than <see cref="MaxRowsPerPass"/> is that.
    /// </summary>
    /// <value>The default is 256; at least 1.</value>
    public int PrefillChunk { get; set; } = 256;

    /// <summary>Most sequences that are worked on at the same time; others wait until one of them ends.</summary>
    /// <value>The default is 32; 1 to 4096.</value>
    public int MaxSequences { get; set; } = 32;

    /// <summary>
    /// Most memory that the keys and values of all sequences may take together, in megabytes (2^20 bytes). Whether a sequence waits until there is room for all of
    /// its tokens, or begins when there is room for those that it has, says <see cref="Admission"/>.
    /// </summary>
    /// <value>
    /// The default, null, is half of what the weights leave of the memory that the process may use, a container's limit counted; where attention runs on a device, half of
    /// <see cref="DeviceMemoryMegabytes"/> if that is set. At least 1.
    /// </value>
    public int? KvCacheMegabytes { get; set; }

    /// <summary>What the keys and values of sequences are stored as. Less than float32 takes less memory and rounds them, so that texts are others.</summary>
    /// <value>The default is <see cref="KvPrecision.Fp32"/>.</value>
    public KvPrecision KvPrecision { get; set; }

    /// <summary>
    /// What the stages of the model hand on to each other: residual, queries, keys, values and logits. 16 bits take half of the memory and round each
    /// of them, so that texts are others; drafting for them changes them no further. How weights are stored is <see cref="ModelOptions.Precision"/>.
    /// </summary>
    /// <value>The default is <see cref="ComputePrecision.Fp32"/>.</value>
    public ComputePrecision ComputePrecision { get; set; }

    /// <summary>By how much memory for keys and values a sequence is admitted.</summary>
    /// <value>The default is <see cref="KvAdmission.Paged"/>.</value>
    public KvAdmission Admission { get; set; }

    /// <summary>
    /// Share of <see cref="KvCacheMegabytes"/> in which keys and values of texts that have been read or written are kept for requests that begin alike: those need not read
    /// what they share. Memory that a sequence needs is taken from it at once. Requests that must not share say so (<see cref="Generation.GenerationRequest.CacheScope"/>).
    /// </summary>
    /// <value>The default is 0.5; 0 to 1. With 0 nothing is kept.</value>
    public float PrefixCache { get; set; } = 0.5f;

    /// <summary>
    /// Share of the time of steps that a search for layers to leave out (<see cref="Drafting.DraftingStrategy.Swift"/>) may take beside them. While nobody is
    /// served it takes what it needs, a pass at a time.
    /// </summary>
    /// <value>The default is 0.02; 0 to 0.5. With 0 it runs only while nobody is served.</value>
    public float SearchShare { get; set; } = 0.02f;

    /// <summary>What is wrong with the options; null when nothing is.</summary>
    internal OptionException? FindError()
    {
        // More threads than processors only wait for each other; thousands of them never end.
        int mostThreads = Math.Max(64, Environment.ProcessorCount);
        (string Option, string Problem)? wrong =
            Threads < 1 || Threads > mostThreads ? (nameof(Threads), $"is {Threads}: give 1 to {mostThreads}, or leave it unset for one per physical core that the process may use.")
            : DeviceMemoryMegabytes < 1 ? (nameof(DeviceMemoryMegabytes), $"is {DeviceMemoryMegabytes}: give 1 or more, or leave it unset for no limit.")
            : MaxRowsPerPass is < 1 or > MostRowsPerPass ? (nameof(MaxRowsPerPass), $"is {MaxRowsPerPass}: give 1 to {MostRowsPerPass}.")
            : PrefillChunk < 1 ? (nameof(PrefillChunk), $"is {PrefillChunk}: give 1 or more.")
            : MaxSequences is < 1 or > MostSequences ? (nameof(MaxSequences), $"is {MaxSequences}: give 1 to {MostSequences}.")
            : KvCacheMegabytes < 1 ? (nameof(KvCacheMegabytes), $"is {KvCacheMegabytes}: give 1 or more, or leave it unset for half of the memory that the weights leave.")
            : !Enum.IsDefined(Admission) ? (nameof(Admission), $"is {Admission}: give {string.Join(" or ", Enum.GetNames<KvAdmission>())}.")
            : PrefixCache is not (>= 0 and <= 1) ? (nameof(PrefixCache), FormattableString.Invariant($"is {PrefixCache}: give 0 (off) to 1."))
            : !Enum.IsDefined(KvPrecision) ? (nameof(KvPrecision), $"is {KvPrecision}: give {string.Join(" or ", Enum.GetNames<KvPrecision>())}.")
            : !Enum.IsDefined(ComputePrecision) ? (nameof(ComputePrecision), $"is {ComputePrecision}: give {string.Join(" or ", Enum.GetNames<ComputePrecision>())}.")
            : MaxSequenceLength < 1 ? (nameof(MaxSequenceLength), $"is {MaxSequenceLength}: give 1 or more, or leave it unset for what the model allows.")
            : SearchShare is not (>= 0 and <= MostSearchShare) ? (nameof(SearchShare), FormattableString.Invariant($"is {SearchShare}: give 0 to {MostSearchShare}."))
            : ExecutionProvider?.ToLowerInvariant() is not ("cpu" or "cuda") ? (nameof(ExecutionProvider), $"is '{ExecutionProvider}': give cpu or cuda.")
            : null;
        return wrong is var (option, problem) ? new OptionException(OptionName.OfRuntime(option).Key, problem) : null;
    }
}
