using System.Runtime.CompilerServices;

namespace SpecDecode.Kernels.Attention;

/// <summary>
/// Some query vectors of one key/value head over stretches of positions: scores, softmax and weighted values of a stretch at a time.
/// </summary>
/// <remarks>Optimised from the first call on: compiled as other code is, it takes several times as long until it has run for a tenth of a second.</remarks>
/// <typeparam name="TLanes">The registers.</typeparam>
/// <typeparam name="TType">How keys and values are stored.</typeparam>
internal static unsafe class AttentionTiles<TLanes, TType>
    where TLanes : unmanaged, ILanes<TLanes>
    where TType : unmanaged, IKeyValueType
{
    private const int Lanes = 16;
    private const int Stretch = AttentionPlan.Stretch;
    private const int StretchPages = Stretch / PageLayout.Positions;
    private const int MostRows = 8;

    /// <summary>Runs a task.</summary>
    public static void Run(void* job, nint task) => Run((AttentionJob*)job, ((AttentionJob*)job)->Tasks + task);

    /// <summary>Merges what the stretches of a task's vectors gave, where it is the first of several with the same vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Merge(void* job, nint task)
    {
        AttentionJob* attention = (AttentionJob*)job;
        AttentionTask* first = attention->Tasks + task;
        if (first->Partials is null || (task > 0 && AreOfSameVectors(first - 1, first)))
        {
            return;
        }

        int size = attention->Shape.HeadSize;
        AttentionTask* end = attention->Tasks + attention->TaskCount;
        for (int i = 0; i < first->Vectors; i++)
        {
            float highest = 0, total = 0;
            float* output = attention->OutputOf(first->Sequence, first->Head, first->FirstVector + i);
            for (AttentionTask* part = first; part < end && AreOfSameVectors(first, part); part++)
            {
                for (int stretch = 0; stretch < part->Stretches; stretch++)
                {
                    float* partial = part->Partials + ((nint)stretch * part->Vectors + i) * (size + 2);
                    if (partial[size + 1] != 0)
                    {
                        RunningSum<TLanes>.Add(ref highest, ref total, output, partial[size], partial[size + 1], partial, size);
                    }
                }
            }

            Finish(attention, first, i, highest, total, output);
        }
    }

    private static bool AreOfSameVectors(AttentionTask* a, AttentionTask* b) =>
        a->Sequence == b->Sequence && a->Head == b->Head && a->FirstVector == b->FirstVector;

    private static void Finish(AttentionJob* job, AttentionTask* task, int vector, float highest, float total, float* output)
    {
        int head = task->Head * job->Shape.Group + (task->FirstVector + vector) % job->Shape.Group;
        RunningSum<TLanes>.Finish(highest, total, output, job->Shape.HeadSize, job->Shape.Sinks is null ? null : job->Shape.Sinks + head);
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run(AttentionJob* job, AttentionTask* task)
    {
        int size = job->Shape.HeadSize;
        float* highest = stackalloc float[2 * task->Vectors];
        float* total = highest + task->Vectors;
        new Span<float>(highest, 2 * task->Vectors).Clear();

        // On a line of the cache.
        byte* memory = stackalloc byte[(MostRows * (Stretch + size)) * sizeof(float) + 64];
        float* scores = (float*)(((nuint)memory + 63) & ~(nuint)63);
        Tile tile = new() { Scores = scores, Values = scores + MostRows * Stretch };
        byte** keys = stackalloc byte*[2 * StretchPages];
        byte** values = keys + StretchPages;
        float* queries = job->QueriesOf(task->Sequence, task->Head) + (nint)task->FirstVector * size;
        int past = job->Rows.Past[task->Sequence];
        for (int stretch = 0; stretch < task->Stretches; stretch++)
        {
            int start = (task->FirstStretch + stretch) * Stretch;
            int end = past + (task->FirstVector + task->Vectors - 1) / job->Shape.Group + 1;
            int pages = (Math.Min(end - start, Stretch) + PageLayout.Positions - 1) / PageLayout.Positions;
            for (int i = 0; i < pages; i++)
            {
                keys[i] = job->Rows.Page(task->Sequence, start / PageLayout.Positions + i) + (nint)task->Head * job->Layout.HeadBytes;
                values[i] = keys[i] + job->Layout.ValueOffset;
            }

            for (int done = 0; done < task->Vectors; done += tile.Count)
            {
                // Tiles of nearly equal size: a small one at the end would read all keys and values for little.
                int tiles = (task->Vectors - done + TLanes.TileRows - 1) / TLanes.TileRows;
                tile.Count = (task->Vectors - done + tiles - 1) / tiles;
                if (!See(ref tile, job, past - start, task->FirstVector + done))
                {
                    MarkUnseen(task, stretch, done, tile.Count, size);
                    continue;
                }

                Score(ref tile, job, queries + (nint)done * size, keys);
                for (int i = 0; i < tile.Count; i++)
                {
                    Weigh(ref tile, job, i, keys);
                }

                Sum(ref tile, values, size);
                Pass(ref tile, job, task, stretch, done, highest, total);
            }
        }

        if (task->Partials is null)
        {
            for (int i = 0; i < task->Vectors; i++)
            {
                Finish(job, task, i, highest[i], total[i], job->OutputOf(task->Sequence, task->Head, task->FirstVector + i));
            }
        }
    }

    // What of the stretch each vector sees; whether any sees anything.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static bool See(ref Tile tile, AttentionJob* job, int past, int firstVector)
    {
        tile.From = Stretch;
        tile.To = 0;
        tile.CommonFrom = 0;
        tile.CommonTo = Stretch;
        for (int i = 0; i < tile.Count; i++)
        {
            int row = past + (firstVector + i) / job->Shape.Group;
            int from = Math.Clamp((int)Math.Max((long)row - job->Shape.Window + 1, 0), 0, Stretch);
            int to = Math.Clamp(row + 1, 0, Stretch);
            tile.FirstSeen[i] = from;
            tile.EndSeen[i] = Math.Max(to, from);
            if (to > from)
            {
                tile.From = Math.Min(tile.From, from);
                tile.To = Math.Max(tile.To, to);
            }

            tile.CommonFrom = Math.Max(tile.CommonFrom, from);
            tile.CommonTo = Math.Min(tile.CommonTo, Math.Max(to, from));
        }

        return tile.To > tile.From;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Score(ref Tile tile, AttentionJob* job, float* queries, byte** keys)
    {
        int size = job->Shape.HeadSize;
        int last = (tile.To - 1) / Lanes;
        int pagesAtATime = tile.Count <= 4 ? Math.Min(4, TLanes.Sums / tile.Count) : Math.Min(2, TLanes.Sums / tile.Count);
        byte** some = stackalloc byte*[4];
        for (int page = tile.From / Lanes; page <= last;)
        {
            int left = last - page + 1;
            int count = left >= 3 && pagesAtATime >= 4 ? 4 : left >= 2 && pagesAtATime >= 2 ? 2 : 1;
            for (int i = 0; i < count; i++)
            {
                // Of the last page the scores are computed again where there are fewer.
                some[i] = keys[Math.Min(page + i, last)];
            }

            float* scores = tile.Scores + page * Lanes;
            if (count > left)
            {
                ScoreLast(ref tile, queries, size, some, page, last);
            }
            else
            {
                TileTable<TLanes, TType>.Score(tile.Count, count, queries, size, some, scores, Stretch);
            }

            page += count;
        }
    }

    // 3 pages of 4: the fourth one's scores may have no place behind them.
    private static void ScoreLast(ref Tile tile, float* queries, int size, byte** keys, int page, int last)
    {
        float* scores = tile.Scores + page * Lanes;
        if (last + 1 < StretchPages)
        {
            TileTable<TLanes, TType>.Score(tile.Count, 4, queries, size, keys, scores, Stretch);
            return;
        }

        TileTable<TLanes, TType>.Score(tile.Count, 2, queries, size, keys, scores, Stretch);
        TileTable<TLanes, TType>.Score(tile.Count, 1, queries, size, keys + 2, scores + 2 * Lanes, Stretch);
    }

    // From a vector's scores to what its positions weigh.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Weigh(ref Tile tile, AttentionJob* job, int vector, byte** keys)
    {
        int from = tile.FirstSeen[vector], to = tile.EndSeen[vector];
        if (to <= from)
        {
            return;
        }

        float* scores = tile.Scores + vector * Stretch;
        int firstPage = from / Lanes, lastPage = (to - 1) / Lanes;
        if (TType.IsScaled || job->Shape.SoftCap != 0)
        {
            for (int page = firstPage; page <= lastPage; page++)
            {
                TLanes x = TLanes.Load(scores + page * Lanes);
                if (TType.IsScaled)
                {
                    x = TLanes.Multiply(x, TLanes.Load((float*)(keys[page] + job->Layout.KeyScaleOffset)));
                }

                TLanes.Store(job->Shape.SoftCap == 0 ? x : LaneMath<TLanes>.SoftCap(x, job->Shape.SoftCap), scores + page * Lanes);
            }
        }

        for (int position = firstPage * Lanes; position < from; position++)
        {
            scores[position] = float.NegativeInfinity;
        }

        for (int position = to; position < (lastPage + 1) * Lanes; position++)
        {
            scores[position] = float.NegativeInfinity;
        }

        TLanes highest = TLanes.Load(scores + firstPage * Lanes);
        for (int page = firstPage + 1; page <= lastPage; page++)
        {
            highest = TLanes.Max(highest, TLanes.Load(scores + page * Lanes));
        }

        tile.Highest[vector] = LaneMath<TLanes>.Max(highest);
        TLanes most = TLanes.Create(tile.Highest[vector]);
        TLanes sum = TLanes.Zero;
        for (int page = firstPage; page <= lastPage; page++)
        {
            TLanes weight = LaneMath<TLanes>.Exp(TLanes.Subtract(TLanes.Load(scores + page * Lanes), most));
            sum = TLanes.Add(sum, weight);
            TLanes.Store(
                TType.IsScaled ? TLanes.Multiply(weight, TLanes.Load((float*)(keys[page] + job->Layout.ValueScaleOffset))) : weight, scores + page * Lanes);
        }

        tile.Total[vector] = LaneMath<TLanes>.Sum(sum);
    }

    // Positions that all see are added up for all; what only some see before and behind them, for each alone: so nothing that is masked is ever
    // multiplied, and what is no number there reaches nobody.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Sum(ref Tile tile, byte** values, int size)
    {
        new Span<float>(tile.Values, tile.Count * size).Clear();
        if (tile.CommonTo <= tile.CommonFrom)
        {
            for (int i = 0; i < tile.Count; i++)
            {
                Sum(ref tile, values, size, i, 1, tile.FirstSeen[i], tile.EndSeen[i]);
            }

            return;
        }

        for (int i = 0; i < tile.Count; i++)
        {
            Sum(ref tile, values, size, i, 1, tile.FirstSeen[i], tile.CommonFrom);
        }

        Sum(ref tile, values, size, 0, tile.Count, tile.CommonFrom, tile.CommonTo);
        for (int i = 0; i < tile.Count; i++)
        {
            Sum(ref tile, values, size, i, 1, tile.CommonTo, tile.EndSeen[i]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Sum(ref Tile tile, byte** values, int size, int first, int count, int from, int to)
    {
        if (to <= from)
        {
            return;
        }

        int columnsAtATime = count <= 4 ? Math.Min(4, TLanes.Sums / count) : Math.Min(2, TLanes.Sums / count);
        byte** some = stackalloc byte*[StretchPages];
        for (int channel = 0; channel < size;)
        {
            int left = (size - channel) / Lanes;
            int columns = left >= 4 && columnsAtATime >= 4 ? 4 : left >= 2 && columnsAtATime >= 2 ? 2 : 1;
            for (int page = from / Lanes; page <= (to - 1) / Lanes; page++)
            {
                some[page] = values[page] + channel * TType.Bytes;
            }

            TileTable<TLanes, TType>.Sum(
                count, columns, tile.Scores + first * Stretch, Stretch, some, size, from, to, tile.Values + first * size + channel, size);
            channel += columns * Lanes;
        }
    }

    // The stretch is merged at once, or kept for later.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Pass(ref Tile tile, AttentionJob* job, AttentionTask* task, int stretch, int first, float* highest, float* total)
    {
        int size = job->Shape.HeadSize;
        for (int i = 0; i < tile.Count; i++)
        {
            bool isSeen = tile.EndSeen[i] > tile.FirstSeen[i];
            if (task->Partials is not null)
            {
                float* partial = task->Partials + ((nint)stretch * task->Vectors + first + i) * (size + 2);
                Unsafe.CopyBlockUnaligned(partial, tile.Values + i * size, (uint)size * sizeof(float));
                partial[size] = tile.Highest[i];
                partial[size + 1] = isSeen ? tile.Total[i] : 0;
            }
            else if (isSeen)
            {
                RunningSum<TLanes>.Add(
                    ref highest[first + i], ref total[first + i], job->OutputOf(task->Sequence, task->Head, task->FirstVector + first + i), tile.Highest[i],
                    tile.Total[i], tile.Values + i * size, size);
            }
        }
    }

    private static void MarkUnseen(AttentionTask* task, int stretch, int first, int count, int size)
    {
        for (int i = 0; i < count && task->Partials is not null; i++)
        {
            task->Partials[((nint)stretch * task->Vectors + first + i) * (size + 2) + size + 1] = 0;
        }
    }

    /// <summary>A few vectors on a stretch.</summary>
    private struct Tile
    {
        public int Count;
        public float* Scores;
        public float* Values;
        public int From;
        public int To;
        public int CommonFrom;
        public int CommonTo;
        public fixed int FirstSeen[MostRows];
        public fixed int EndSeen[MostRows];
        public fixed float Highest[MostRows];
        public fixed float Total[MostRows];
    }
}
