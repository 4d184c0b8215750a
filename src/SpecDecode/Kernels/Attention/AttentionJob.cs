namespace SpecDecode.Kernels.Attention;

/// <summary>Attention of a call while it runs: what the tasks on all threads read.</summary>
internal unsafe struct AttentionJob
{
    /// <summary>Rows that a thread prepares at a time.</summary>
    public const int PreparedRows = 8;

    /// <summary>The layer.</summary>
    public AttentionShape Shape;

    /// <summary>How its pages are laid out.</summary>
    public PageLayout Layout;

    /// <summary>The rows.</summary>
    public AttentionRows Rows;

    /// <summary>The queries, turned and scaled: for each sequence and key/value head the vectors <c>[rows, group, D]</c>.</summary>
    public float* Queries;

    /// <summary>The tasks.</summary>
    public AttentionTask* Tasks;

    /// <summary>How many.</summary>
    public int TaskCount;

    /// <summary>Set where a key or value cannot be stored.</summary>
    public int IsOverflown;

    /// <summary>Prepares some rows: queries and keys are turned, keys and values written into their pages.</summary>
    public static void Prepare(void* job, nint task) => ((AttentionJob*)job)->Prepare((int)task);

    /// <summary>The query vectors of a sequence's key/value head.</summary>
    public readonly float* QueriesOf(int sequence, int head)
    {
        int first = Rows.FirstRows[sequence];
        int length = Rows.FirstRows[sequence + 1] - first;
        return Queries + ((nint)first * Shape.KeyValueHeads + (nint)head * length) * Shape.Group * Shape.HeadSize;
    }

    /// <summary>Where the result of a vector goes.</summary>
    public readonly float* OutputOf(int sequence, int head, int vector) =>
        Rows.Output + (Rows.FirstRows[sequence] + vector / Shape.Group) * Shape.OutputWidth
        + (nint)(head * Shape.Group + vector % Shape.Group) * Shape.HeadSize;

    private void Prepare(int task)
    {
        int last = Math.Min((task + 1) * PreparedRows, Rows.Rows);
        int sequence = 0;
        for (int row = task * PreparedRows; row < last; row++)
        {
            while (Rows.FirstRows[sequence + 1] <= row)
            {
                sequence++;
            }

            if (!PrepareRow(sequence, row))
            {
                Volatile.Write(ref IsOverflown, 1);
            }
        }
    }

    private readonly bool PrepareRow(int sequence, int row)
    {
        int size = Shape.HeadSize;
        int inSequence = row - Rows.FirstRows[sequence];
        int position = Rows.Past[sequence] + inSequence;
        nint table = Rows.Cosines is null ? 0 : (nint)(Rows.RotaryStarts[sequence] + position) * (size / 2);
        float* cosines = Rows.Cosines is null ? null : Rows.Cosines + table;
        float* sines = Rows.Cosines is null ? null : Rows.Sines + table;
        float* query = Rows.Packed + row * Shape.PackedWidth;
        float* key = query + Shape.OutputWidth;
        float* value = key + (nint)Shape.KeyValueHeads * size;
        byte* page = Rows.Page(sequence, position / PageLayout.Positions);
        float* turned = stackalloc float[size];
        bool fits = true;
        for (int head = 0; head < Shape.KeyValueHeads; head++, key += size, value += size)
        {
            float* queries = QueriesOf(sequence, head) + (nint)inSequence * Shape.Group * size;
            for (int i = 0; i < Shape.Group; i++, query += size)
            {
                KeyValueWriter.Turn(query, queries + i * size, size, cosines, sines, Shape.Scale);
            }

            KeyValueWriter.Turn(key, turned, size, cosines, sines, 1f);
            fits &= KeyValueWriter.Write(Layout, page + head * Layout.HeadBytes, position % PageLayout.Positions, turned, value, size);
        }

        return fits;
    }
}
