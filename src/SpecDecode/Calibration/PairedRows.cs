using SpecDecode.Evaluation;
using SpecDecode.Plans;
using SpecDecode.Stages;

namespace SpecDecode.Calibration;

/// <summary>Rows of the residual of the same tokens behind some layers and before the final norm, as the full model has them; whole texts of them apart.</summary>
internal sealed class PairedRows
{
    private PairedRows(int rows, int rowsApart, int exits, int width)
    {
        Exits = [.. Enumerable.Range(0, exits).Select(_ => new BridgeRows(rows, width))];
        ExitsApart = [.. Enumerable.Range(0, exits).Select(_ => new BridgeRows(rowsApart, width))];
        Ends = new BridgeRows(rows, width);
        EndsApart = new BridgeRows(rowsApart, width);
    }

    /// <summary>Behind each layer, of the texts that are fitted to.</summary>
    public IReadOnlyList<BridgeRows> Exits { get; }

    /// <summary>Behind each layer, of the texts apart.</summary>
    public IReadOnlyList<BridgeRows> ExitsApart { get; }

    /// <summary>Before the final norm.</summary>
    public BridgeRows Ends { get; }

    /// <inheritdoc cref="Ends"/>
    public BridgeRows EndsApart { get; }

    /// <summary>Reads texts.</summary>
    /// <param name="stages">The model.</param>
    /// <param name="texts">The texts.</param>
    /// <param name="isApart">Whether a position of a text is apart.</param>
    /// <param name="first">The first layer.</param>
    /// <param name="exits">How many layers.</param>
    /// <param name="tell">Called after each pass.</param>
    /// <param name="cancellationToken">Ends the work between passes.</param>
    public static PairedRows Read(IStages stages, IReadOnlyList<int[]> texts, Func<int, int, bool> isApart, int first, int exits, Action tell, CancellationToken cancellationToken)
    {
        int width = stages.ResidualWidth;
        int apart = texts.Select((tokens, text) => Enumerable.Range(0, tokens.Length).Count(position => isApart(text, position))).Sum();
        PairedRows rows = new(texts.Sum(text => text.Length) - apart, apart, exits, width);
        float[] residual = new float[width];
        for (int text = 0; text < texts.Count; text++)
        {
            using SequencePasses passes = new(stages, [new ScoredSequence(texts[text], 1)]);
            int position = 0;
            while (passes.Next())
            {
                cancellationToken.ThrowIfCancellationRequested();
                RowBatch batch = passes.Batch;
                stages.Embed(batch);
                for (int layer = 0; layer < stages.LayerCount; layer++)
                {
                    stages.Run(new Block(BlockKind.Attention, layer), batch);
                    stages.Run(new Block(BlockKind.Mlp, layer), batch);
                    if (layer >= first && layer < first + exits)
                    {
                        Take(batch.Rows, rows.Exits[layer - first], rows.ExitsApart[layer - first]);
                    }
                }

                Take(batch.Rows, rows.Ends, rows.EndsApart);
                position += batch.Rows;
                tell();
            }

            void Take(int count, BridgeRows together, BridgeRows alone)
            {
                for (int row = 0; row < count; row++)
                {
                    stages.ReadResidual(row, residual);
                    (isApart(text, position + row) ? alone : together).Add(residual);
                }
            }
        }

        return rows;
    }
}
