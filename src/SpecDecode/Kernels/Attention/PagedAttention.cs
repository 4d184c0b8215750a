namespace SpecDecode.Kernels.Attention;

/// <summary>
/// Attention of one layer over rows of several sequences whose keys and values lie in pages (vLLM's paged attention, 2309.06180): writes the rows' keys and
/// values, then reads those of all positions that each row sees. A row's result is a function of the row and of what lies at those positions alone, bit for
/// bit: not of the rows beside it, of where pages lie, of how the prompt was cut, of threads.
/// </summary>
internal sealed unsafe class PagedAttention
{
    /// <summary>Most channels of a head.</summary>
    public const int MostChannels = 1024;

    private readonly AttentionShape _shape;
    private readonly PageLayout _layout;
    private readonly KernelScratch _scratch;
    private readonly delegate*<void*, nint, void> _run;
    private readonly delegate*<void*, nint, void> _merge;

    /// <summary>Prepares attention.</summary>
    /// <param name="shape">The layer.</param>
    /// <param name="layout">How its pages are laid out.</param>
    /// <param name="set">The instruction set, which the processor must have.</param>
    /// <param name="scratch">Memory while it runs.</param>
    /// <exception cref="SpecDecodeException">Heads have more than <see cref="MostChannels"/>.</exception>
    public PagedAttention(in AttentionShape shape, in PageLayout layout, InstructionSet set, KernelScratch scratch)
    {
        if (shape.HeadSize > MostChannels)
        {
            throw new SpecDecodeException($"The model's attention has heads of {shape.HeadSize} channels, and at most {MostChannels} can be computed.");
        }

        _shape = shape;
        _layout = layout;
        _scratch = scratch;
        (nint run, nint merge) = set switch
        {
            _ when set.IsAvx512() => Of<Lanes512>(layout.Type),
            InstructionSet.Avx2 or InstructionSet.Avx2Vnni => Of<Lanes256>(layout.Type),
            _ => Of<Lanes128>(layout.Type),
        };
        _run = (delegate*<void*, nint, void>)run;
        _merge = (delegate*<void*, nint, void>)merge;
    }

    /// <summary>Runs.</summary>
    /// <param name="rows">The rows; their pages are there, and those that are written belong to nobody else.</param>
    /// <param name="parallel">The threads.</param>
    /// <exception cref="SpecDecodeException">A key or value is beyond what the pages can store.</exception>
    /// <exception cref="OutOfMemoryException">There is no memory for what lies in between.</exception>
    public void Run(in AttentionRows rows, ParallelRun parallel)
    {
        if (rows.Rows == 0)
        {
            return;
        }

        long work = AttentionPlan.Cut(_shape, rows, null, null, out int tasks, out long partialFloats);
        long queryFloats = rows.Rows * (long)_shape.OutputWidth;
        long taskFloats = ((long)tasks * sizeof(AttentionTask) + sizeof(float) - 1) / sizeof(float);
        float* memory = (float*)_scratch.Take((nuint)checked((queryFloats + partialFloats + taskFloats) * sizeof(float)));
        try
        {
            AttentionJob job = new() { Shape = _shape, Layout = _layout, Rows = rows };
            job.Tasks = (AttentionTask*)memory;
            job.Queries = memory + taskFloats;
            AttentionPlan.Cut(_shape, rows, job.Tasks, job.Queries + queryFloats, out job.TaskCount, out _);
            int prepared = (rows.Rows + AttentionJob.PreparedRows - 1) / AttentionJob.PreparedRows;
            (rows.Rows * _shape.PackedWidth < AttentionPlan.SerialWork ? ParallelRun.Serial : parallel).Run(&AttentionJob.Prepare, &job, prepared);
            if (job.IsOverflown != 0)
            {
                throw new SpecDecodeException(
                    "A key or value of the model is beyond what float16 can store (65,504): keep keys and values in float32 (KvPrecision).");
            }

            (work < AttentionPlan.SerialWork ? ParallelRun.Serial : parallel).Run(_run, &job, tasks);
            if (partialFloats > 0)
            {
                (partialFloats < AttentionPlan.SerialWork ? ParallelRun.Serial : parallel).Run(_merge, &job, tasks);
            }
        }
        finally
        {
            _scratch.Return();
        }
    }

    private static (nint Run, nint Merge) Of<TLanes>(KvPrecision type)
        where TLanes : unmanaged, ILanes<TLanes> => type switch
        {
            KvPrecision.Fp32 => Pointers<TLanes, SingleKeyValues>(),
            KvPrecision.Fp16 => Pointers<TLanes, HalfKeyValues>(),
            KvPrecision.Int8 => Pointers<TLanes, ByteKeyValues>(),
            _ => throw new ArgumentOutOfRangeException(nameof(type), type, "A type of keys and values that no kernel is written for."),
        };

    private static (nint Run, nint Merge) Pointers<TLanes, TType>()
        where TLanes : unmanaged, ILanes<TLanes>
        where TType : unmanaged, IKeyValueType =>
        ((nint)(delegate*<void*, nint, void>)&AttentionTiles<TLanes, TType>.Run, (nint)(delegate*<void*, nint, void>)&AttentionTiles<TLanes, TType>.Merge);
}
