using SpecDecode.Plans;
using SpecDecode.Stages;

namespace SpecDecode.Evaluation;

/// <summary>Cosines between the residual before blocks and behind them, summed over the rows of passes of the full plan.</summary>
internal sealed class LayerInfluence
{
    private readonly IStages _stages;
    private readonly double[] _blocks;
    private readonly double[] _layers;

    // The residual where the layer begins, behind its attention and behind its MLP, [rows, d] each; grown to the largest pass.
    private float[] _start = [];
    private float[] _middle = [];
    private float[] _end = [];

    /// <summary>Begins with no rows.</summary>
    public LayerInfluence(IStages stages)
    {
        _stages = stages;
        _blocks = new double[2 * stages.LayerCount];
        _layers = new double[stages.LayerCount];
    }

    /// <summary>Rows that were looked at.</summary>
    public long Rows { get; private set; }

    /// <summary>Block Influence of a block.</summary>
    public double Of(Block block) => 1 - _blocks[2 * block.Layer + (block.Kind == BlockKind.Attention ? 0 : 1)] / Rows;

    /// <summary>Block Influence of a layer.</summary>
    public double Of(int layer) => 1 - _layers[layer] / Rows;

    /// <summary>Runs a pass of the full plan, once it has its embeddings.</summary>
    /// <param name="batch">Its rows.</param>
    /// <param name="afterLayer">Called behind each layer; null for nobody.</param>
    public void Run(RowBatch batch, Action<int>? afterLayer = null)
    {
        int length = batch.Rows * _stages.ResidualWidth;
        if (_start.Length < length)
        {
            (_start, _middle, _end) = (new float[length], new float[length], new float[length]);
        }

        Read(batch, _start);
        for (int layer = 0; layer < _stages.LayerCount; layer++)
        {
            _stages.Run(new Block(BlockKind.Attention, layer), batch);
            Read(batch, _middle);
            _stages.Run(new Block(BlockKind.Mlp, layer), batch);
            Read(batch, _end);
            _blocks[2 * layer] += Cosines(batch.Rows, _start, _middle);
            _blocks[2 * layer + 1] += Cosines(batch.Rows, _middle, _end);
            _layers[layer] += Cosines(batch.Rows, _start, _end);
            (_start, _end) = (_end, _start);
            afterLayer?.Invoke(layer);
        }

        Rows += batch.Rows;
    }

    /// <summary>The cosine of two vectors, in double precision; 1 where both are zero and 0 where one is.</summary>
    public static double Cosine(ReadOnlySpan<float> left, ReadOnlySpan<float> right)
    {
        double product = 0;
        double leftSquare = 0;
        double rightSquare = 0;
        for (int i = 0; i < left.Length; i++)
        {
            product += (double)left[i] * right[i];
            leftSquare += (double)left[i] * left[i];
            rightSquare += (double)right[i] * right[i];
        }

        return leftSquare == 0 || rightSquare == 0 ? (leftSquare == rightSquare ? 1 : 0) : product / Math.Sqrt(leftSquare * rightSquare);
    }

    private void Read(RowBatch batch, float[] residual)
    {
        int width = _stages.ResidualWidth;
        for (int row = 0; row < batch.Rows; row++)
        {
            _stages.ReadResidual(row, residual.AsSpan(row * width, width));
        }
    }

    private double Cosines(int rows, float[] before, float[] behind)
    {
        int width = _stages.ResidualWidth;
        double sum = 0;
        for (int row = 0; row < rows; row++)
        {
            sum += Cosine(before.AsSpan(row * width, width), behind.AsSpan(row * width, width));
        }

        return sum;
    }
}
