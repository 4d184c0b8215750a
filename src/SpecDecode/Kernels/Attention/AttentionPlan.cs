namespace SpecDecode.Kernels.Attention;

/// <summary>How attention of a call is cut into tasks. What a row comes to does not depend on it.</summary>
internal static unsafe class AttentionPlan
{
    /// <summary>Positions of a stretch: the softmax over them is computed at once, and merged with that of the stretches before.</summary>
    public const int Stretch = 8 * PageLayout.Positions;

    // Sums of a task's vectors that stay in the first cache.
    private const int BlockFloats = 4096;

    // Multiplications of a task: enough that handing it out costs little beside it.
    private const long TaskWork = 96 << 10;

    // And few enough that so many tasks share the work evenly.
    private const int EvenTasks = 24;

    /// <summary>Below so many multiplications threads wait for each other longer than they help.</summary>
    public const long SerialWork = 64 << 10;

    /// <summary>Vectors of a task.</summary>
    public static int Block(in AttentionShape shape) => Math.Max(1, BlockFloats / shape.HeadSize);

    /// <summary>Cuts.</summary>
    /// <param name="shape">The layer.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="tasks">Takes the tasks; null where they are only counted.</param>
    /// <param name="partials">Where partial results lie; not used where tasks are only counted.</param>
    /// <param name="count">How many tasks there are.</param>
    /// <param name="partialFloats">How many floats the partial results take.</param>
    /// <returns>Multiplications of all tasks.</returns>
    public static long Cut(in AttentionShape shape, in AttentionRows rows, AttentionTask* tasks, float* partials, out int count, out long partialFloats)
    {
        long work = 0;
        for (int sequence = 0; sequence < rows.Sequences; sequence++)
        {
            int length = rows.FirstRows[sequence + 1] - rows.FirstRows[sequence];
            work += (long)length * shape.QueryHeads * shape.HeadSize * 2 * Math.Min(rows.Past[sequence] + length, shape.Window);
        }

        long taskWork = Math.Max(TaskWork, work / EvenTasks);
        count = 0;
        partialFloats = 0;
        int block = Block(shape);
        for (int sequence = 0; sequence < rows.Sequences; sequence++)
        {
            int length = rows.FirstRows[sequence + 1] - rows.FirstRows[sequence];
            int vectors = length * shape.Group;
            for (int head = 0; head < shape.KeyValueHeads; head++)
            {
                for (int first = 0; first < vectors; first += block)
                {
                    int some = Math.Min(block, vectors - first);
                    int firstPosition = Math.Max(0, rows.Past[sequence] + first / shape.Group - shape.Window + 1);
                    int end = rows.Past[sequence] + (first + some - 1) / shape.Group + 1;
                    int firstStretch = firstPosition / Stretch;
                    int stretches = (end + Stretch - 1) / Stretch - firstStretch;
                    int parts = (int)Math.Clamp((long)some * shape.HeadSize * 2 * (end - firstPosition) / taskWork, 1, stretches);
                    for (int part = 0; part < parts; part++)
                    {
                        int from = (int)((long)stretches * part / parts);
                        int to = (int)((long)stretches * (part + 1) / parts);
                        if (tasks is not null)
                        {
                            tasks[count] = new AttentionTask
                            {
                                Sequence = sequence, Head = head, FirstVector = first, Vectors = some, FirstStretch = firstStretch + from, Stretches = to - from,
                                Partials = parts == 1 ? null : partials + partialFloats,
                            };
                        }

                        count++;
                        partialFloats += parts == 1 ? 0 : (long)(to - from) * some * (shape.HeadSize + 2);
                    }
                }
            }
        }

        return work;
    }
}
