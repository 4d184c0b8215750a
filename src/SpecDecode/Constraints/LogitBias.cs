namespace SpecDecode.Constraints;

/// <summary>Adds a number to the logits of some tokens; −∞ bans them.</summary>
/// <param name="bias">Numbers by token id; the ids within the vocabulary.</param>
internal sealed class LogitBias(IReadOnlyCollection<KeyValuePair<int, float>> bias) : ITokenConstraint, ITokenConstraintState
{
    private readonly KeyValuePair<int, float>[] _bias = [.. bias];
    private readonly HashSet<int> _banned = [.. bias.Where(pair => float.IsNegativeInfinity(pair.Value)).Select(pair => pair.Key)];

    /// <inheritdoc/>
    public ITokenConstraintState Begin(TokenConstraintContext context) => this;

    /// <inheritdoc/>
    public void Advance(int token)
    {
    }

    /// <inheritdoc/>
    public void Rollback(int count)
    {
    }

    /// <inheritdoc/>
    public void Process(Span<float> logits)
    {
        foreach ((int token, float number) in _bias)
        {
            logits[token] += number;
        }
    }

    /// <inheritdoc/>
    public bool Allows(int token) => !_banned.Contains(token);
}
