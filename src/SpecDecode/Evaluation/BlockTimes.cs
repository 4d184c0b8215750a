namespace SpecDecode.Evaluation;

/// <summary>What <see cref="BlockCosts"/> has measured.</summary>
/// <param name="Rows">Numbers of rows that were measured, from 1 upwards.</param>
/// <param name="Verifier">Of the model's own weights, for each of them.</param>
/// <param name="DraftEnds">Embedding and head of one row of a draft on them: that head may score but some tokens.</param>
/// <param name="Drafter">Of the copy for drafting, for each of them or for one row alone; null where there is none.</param>
/// <param name="Bridge">Of a bridge, for one row; 0 where none was measured.</param>
internal sealed record BlockTimes(int[] Rows, BlockCurves Verifier, double DraftEnds, BlockCurves? Drafter, double Bridge = 0);

/// <summary>Seconds by rows.</summary>
/// <param name="Ends">Of embedding and head.</param>
/// <param name="Attention">Of a block of attention.</param>
/// <param name="Mlp">Of a block of MLP.</param>
internal sealed record BlockCurves(double[] Ends, double[] Attention, double[] Mlp)
{
    /// <summary>A clock's noise, or its steps of 100 ns, must make nothing free.</summary>
    public const double LeastSeconds = 1e-9;

    /// <summary>Takes passes apart.</summary>
    /// <param name="passes">Three for each number of rows: without blocks, with every attention, with every MLP.</param>
    /// <param name="layers">Layers of the model.</param>
    public static BlockCurves Of(ReadOnlySpan<double> passes, int layers)
    {
        int count = passes.Length / 3;
        BlockCurves curves = new(new double[count], new double[count], new double[count]);
        for (int i = 0; i < count; i++)
        {
            curves.Ends[i] = Math.Max(LeastSeconds, passes[3 * i]);
            curves.Attention[i] = Math.Max(LeastSeconds, (passes[3 * i + 1] - passes[3 * i]) / layers);
            curves.Mlp[i] = Math.Max(LeastSeconds, (passes[3 * i + 2] - passes[3 * i]) / layers);
        }

        return curves;
    }
}
