using SpecDecode.Caching;
using SpecDecode.Plans;

namespace SpecDecode.Stages;

/// <summary>
/// A model as stages that a pass calls one after the other. The residual of the pass's rows lives inside; each call
/// replaces it. One pass at a time: not safe for concurrent use. The engine knows a model by this interface alone.
/// </summary>
internal interface IStages : IDisposable
{
    /// <summary>Number of layers.</summary>
    int LayerCount { get; }

    /// <summary>Number of token ids V.</summary>
    int VocabularySize { get; }

    /// <summary>Longest sequence that can be computed.</summary>
    int MaxSequenceLength { get; }

    /// <summary>Numbers d of a row of the residual.</summary>
    int ResidualWidth { get; }

    /// <summary>Most rows in a pass.</summary>
    int MaxRows { get; }

    /// <summary>Most rows that one call of <see cref="Head"/> takes.</summary>
    int MaxScoredRows { get; }

    /// <summary>Time spent inside the runtime that computes the stages, in ticks of <see cref="System.Diagnostics.Stopwatch"/>.</summary>
    long RuntimeTicks { get; }

    /// <summary>
    /// Whether a row comes out the same, bit for bit, whatever rows run beside it. Where it does not, the last bits of logits differ,
    /// and a drafted text may part from a plain one at a near-tie.
    /// </summary>
    bool RowsAreAlike => true;

    /// <summary>The pages of keys and values of all sequences.</summary>
    KvPool Pages { get; }

    /// <summary>Which of several rotary embeddings a sequence has; texts of different ones have different keys.</summary>
    /// <param name="capacity">Positions that it may come to have.</param>
    int KvKind(int capacity) => 0;

    /// <summary>The precision of <see cref="WeightSet.Drafter"/>; null where there is no such copy.</summary>
    Precision? DraftPrecision { get; }

    /// <summary>The bridges that plans may end with.</summary>
    BridgeSet Bridges => BridgeSet.None;

    /// <summary>
    /// Begins a pass: the residual becomes the embeddings of the batch's tokens, <c>[rows, d]</c>. Everything up to the next call of
    /// it runs on the same weights; keys and values are the sequences' own, whatever wrote them.
    /// </summary>
    void Embed(RowBatch batch, WeightSet weights = WeightSet.Verifier);

    /// <summary>
    /// Adds a block's output to the residual of all rows. An attention block writes the keys and values of each row at its
    /// position and reads those of all positions before it. A bridge, which must be in <see cref="Bridges"/>, takes the place of the residual.
    /// </summary>
    void Run(Block block, RowBatch batch);

    /// <summary>Runs blocks one behind the other, with nobody looking at the residual in between.</summary>
    void Run(ReadOnlySpan<Block> blocks, RowBatch batch)
    {
        foreach (Block block in blocks)
        {
            Run(block, batch);
        }
    }

    /// <summary>Keeps a row of the residual as it is now.</summary>
    /// <param name="row">The row.</param>
    /// <param name="slot">Where it is kept, until something else is: 0 to <see cref="MaxRows"/> − 1.</param>
    void Keep(int row, int slot);

    /// <summary>Keeps rows of the residual as they are now.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="slots">Where each is kept, as <see cref="Keep(int, int)"/> says; as many, and different ones.</param>
    void Keep(ReadOnlySpan<int> rows, ReadOnlySpan<int> slots)
    {
        for (int i = 0; i < rows.Length; i++)
        {
            Keep(rows[i], slots[i]);
        }
    }

    /// <summary>Copies a row of the residual as it is now, for those who look into the model.</summary>
    /// <param name="row">The row.</param>
    /// <param name="destination">Takes it, <c>[d]</c>.</param>
    void ReadResidual(int row, Span<float> destination);

    /// <summary>Puts another row in the place of one of the residual, for those who look into the model.</summary>
    /// <param name="row">The row.</param>
    /// <param name="values">What it becomes, <c>[d]</c>.</param>
    void WriteResidual(int row, ReadOnlySpan<float> values) => throw new NotSupportedException("The residual of these stages cannot be written.");

    /// <summary>Puts a new residual together from rows of the one there is and rows that were kept.</summary>
    /// <param name="sources">Where its rows come from, in their order.</param>
    /// <param name="batch">What they are; as many rows as the sources have.</param>
    void Arrange(IReadOnlyList<RowSource> sources, RowBatch batch);

    /// <summary>Final norm and head for some rows of the residual, which stays as it is.</summary>
    /// <param name="rows">Their row numbers; 1 to <see cref="MaxScoredRows"/> of them.</param>
    /// <returns>Logits <c>[rows, V]</c>, the caller's to change, valid until the next call.</returns>
    Span<float> Head(ReadOnlySpan<int> rows);

    /// <summary>Whether logits stay where they are computed, and <see cref="Choose"/> says what is chosen there, so that rows need not be copied for it.</summary>
    bool KeepsLogits => false;

    /// <summary>Final norm and head for some rows of the residual, and the greedy choice in each; only with <see cref="KeepsLogits"/>.</summary>
    /// <param name="rows">Their row numbers; 1 to <see cref="MaxScoredRows"/> of them.</param>
    /// <returns>The choices in the order of the rows, valid until it is called again.</returns>
    ReadOnlySpan<RowChoice> Choose(ReadOnlySpan<int> rows) => throw new NotSupportedException("These stages do not choose.");

    /// <summary>The logits of one of the rows that were given to <see cref="Choose"/>.</summary>
    /// <param name="index">Its place among them.</param>
    /// <returns>Logits <c>[V]</c>, the caller's to change, valid until the next call.</returns>
    Span<float> ChosenLogits(int index) => throw new NotSupportedException("These stages do not choose.");

    /// <summary>The tokens that <see cref="DraftHead"/> scores, S of them, each once; none where it scores all, always in the same way.</summary>
    ReadOnlySpan<int> DraftVocabulary => [];

    /// <summary>Has <see cref="DraftHead"/> score a token in place of another.</summary>
    /// <param name="place">The other's place: 0 to S − 1.</param>
    /// <param name="token">The token; it has no other place.</param>
    void PutInDraftVocabulary(int place, int token) => throw new InvalidOperationException("All tokens are scored.");

    /// <summary>Final norm and the head of drafts for some rows of the residual: of the draft vocabulary alone (FR-Spec, 2502.14856), and rounded where it is stored in fewer bits.</summary>
    /// <param name="rows">Their row numbers; 1 to <see cref="MaxScoredRows"/> of them.</param>
    /// <returns>Logits <c>[rows, V]</c>, those of <see cref="Head"/>, or nearly, for the draft vocabulary and −∞ for all other tokens; valid until the next call.</returns>
    Span<float> DraftHead(ReadOnlySpan<int> rows) => Head(rows);
}
