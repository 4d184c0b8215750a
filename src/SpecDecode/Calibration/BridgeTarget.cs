using System.Numerics.Tensors;

namespace SpecDecode.Calibration;

/// <summary>What bridges are fitted to: the residual before the final norm, and what the head makes of it.</summary>
internal sealed class BridgeTarget
{
    // Half of a row's shortlist is the full model's, half the exit's.
    private const int HalfList = 32;

    // Rows that read the head together.
    private const int Together = 16;

    private readonly HeadProbe _head;
    private readonly BridgeRows _y;

    // The full model's first tokens of each row, twice as many as it brings into a shortlist: some are the exit's as well.
    private readonly int[] _firsts;
    private readonly int _half;

    // Of the rows apart the full model's probabilities, [m, S], its best tokens, and their entropies.
    private readonly float[][] _probabilities;
    private readonly int[] _best;
    private readonly double[] _entropies;

    /// <summary>Takes the rows.</summary>
    /// <param name="head">The head.</param>
    /// <param name="y">Rows before the final norm that are fitted to.</param>
    /// <param name="apart">Those that decide.</param>
    /// <param name="width">Numbers d of a row.</param>
    public BridgeTarget(HeadProbe head, BridgeRows y, BridgeRows apart, int width)
    {
        (_head, _y, Width) = (head, y, width);
        _half = Math.Min(HalfList, Math.Max(1, head.Tokens / 2));
        _firsts = new int[(long)y.Count * First];
        _probabilities = new float[apart.Count][];
        _best = new int[apart.Count];
        _entropies = new double[apart.Count];
        EachLogits(y, null, (row, logits) => Shortlists.FindLargest(logits, _firsts.AsSpan(row * First, First)));
        EachLogits(apart, null, (row, logits) =>
        {
            HeadProbe.Softmax(logits);
            _probabilities[row] = logits.ToArray();
            _best[row] = TensorPrimitives.IndexOfMax<float>(logits);
            _entropies[row] = CrossEntropy(logits, logits);
        });
    }

    /// <summary>Numbers d of a row.</summary>
    public int Width { get; }

    /// <summary>The head.</summary>
    public HeadProbe Head => _head;

    private int First => Math.Min(2 * _half, _head.Tokens);

    /// <summary>How near the head comes, behind a map, to what it makes of the full model's residual.</summary>
    /// <param name="apart">Rows that decide, in the order of the target's.</param>
    /// <param name="change">What the map adds to the identity, transposed, <c>[d, d]</c>; null for nothing.</param>
    public BridgeJudgement Judge(BridgeRows apart, float[]? change)
    {
        double[] divergences = new double[apart.Count];
        bool[] agrees = new bool[apart.Count];
        EachLogits(apart, change, (row, logits) =>
        {
            agrees[row] = TensorPrimitives.IndexOfMax<float>(logits) == _best[row];
            HeadProbe.Softmax(logits);
            divergences[row] = CrossEntropy(_probabilities[row], logits) - _entropies[row];
        });
        double mean = divergences.Length == 0 ? double.NaN : divergences.Average();
        return new BridgeJudgement(double.IsFinite(mean) ? mean : double.PositiveInfinity, agrees);
    }

    /// <summary>Σ x (y − x)ᵀ.</summary>
    public double[] CrossOfChange(BridgeRows x)
    {
        float[] change = new float[x.Count * Width];
        TensorPrimitives.Subtract(_y.Values.AsSpan(0, change.Length), x.Values.AsSpan(0, change.Length), change);
        return Dense.SumOfProducts(x.Values, change, x.Count, Width);
    }

    /// <summary>The tokens between which each row decides: the first ones behind a map, and the full model's.</summary>
    /// <param name="x">The rows.</param>
    /// <param name="change">What the map adds to the identity, transposed; null for nothing.</param>
    public Shortlists ShortlistsOf(BridgeRows x, float[]? change)
    {
        Shortlists lists = new(x.Count, First);
        EachLogits(x, change, (row, logits) =>
        {
            Span<int> tokens = lists.Tokens(row);
            Shortlists.FindLargest(logits, tokens[..(First - _half)]);
            int count = First - _half;
            ReadOnlySpan<int> firsts = _firsts.AsSpan(row * First, First);
            for (int i = 0; count < First; i++)
            {
                if (!tokens[..(First - _half)].Contains(firsts[i]))
                {
                    tokens[count++] = firsts[i];
                }
            }

            Span<float> probabilities = lists.Probabilities(row);
            for (int i = 0; i < First; i++)
            {
                probabilities[i] = TensorPrimitives.Dot(_head[tokens[i]], _y[row]);
            }

            HeadProbe.Softmax(probabilities);
        });
        return lists;
    }

    /// <summary>Maps rows: y = x + Bᵀ x, brought to a mean square of 1.</summary>
    /// <param name="x">The rows, <c>[n, d]</c>.</param>
    /// <param name="change">B, <c>[d, d]</c>; null for nothing.</param>
    /// <param name="y">Gets them.</param>
    /// <param name="lengths">Gets what their mean squares were the squares of, <c>[n]</c>.</param>
    public void Map(ReadOnlySpan<float> x, float[]? change, Span<float> y, Span<float> lengths)
    {
        x.CopyTo(y);
        for (int i = 0; change is not null && i < Width; i++)
        {
            ReadOnlySpan<float> added = change.AsSpan(i * Width, Width);
            for (int at = 0; at < x.Length; at += Width)
            {
                Span<float> row = y.Slice(at, Width);
                TensorPrimitives.MultiplyAdd(added, x[at + i], row, row);
            }
        }

        for (int row = 0; row < lengths.Length; row++)
        {
            lengths[row] = BridgeRows.Normalise(y.Slice(row * Width, Width));
        }
    }

    private void EachLogits(BridgeRows x, float[]? change, LogitsTaker take) => Parallel.For(
        0, (x.Count + Together - 1) / Together, () => (Units: new float[Together * Width], Lengths: new float[Together], Logits: new float[Together * _head.Tokens]), (block, _, memory) =>
        {
            int first = block * Together;
            int count = Math.Min(Together, x.Count - first);
            Map(x.Values.AsSpan(first * Width, count * Width), change, memory.Units.AsSpan(0, count * Width), memory.Lengths.AsSpan(0, count));
            _head.Logits(memory.Units.AsSpan(0, count * Width), memory.Logits);
            for (int row = 0; row < count; row++)
            {
                take(first + row, memory.Logits.AsSpan(row * _head.Tokens, _head.Tokens));
            }

            return memory;
        }, _ => { });

    private static double CrossEntropy(ReadOnlySpan<float> of, ReadOnlySpan<float> by)
    {
        double sum = 0;
        for (int i = 0; i < of.Length; i++)
        {
            sum -= of[i] > 0 ? of[i] * Math.Log(Math.Max(by[i], 1e-20f)) : 0;
        }

        return sum;
    }

    private delegate void LogitsTaker(int row, Span<float> logits);
}
