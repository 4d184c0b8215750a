using SpecDecode.Drafting;
using SpecDecode.Sampling;
using SpecDecode.Sequences;

namespace SpecDecode.Generation;

/// <summary>How sure a choice was.</summary>
public sealed partial class TextModel
{
    /// <summary>
    /// How near the choice of the next token is to another one. Rows that are computed beside others round in another order, so two
    /// ways to write the same text (plain or speculative, alone or in a batch) may part where this is tiny, and nowhere else.
    /// </summary>
    /// <param name="prompt">The prompt, at least one token.</param>
    /// <param name="newTokens">What was written behind it; the token in question is the next.</param>
    /// <param name="sampling">How tokens are chosen; null is greedy.</param>
    /// <param name="cancellationToken">Ends the work between passes.</param>
    /// <returns>
    /// Greedy: the gap between the two highest logits. With shared noise, in units of log probability: the gap between the two
    /// highest scores (log probability + noise), or the way to a boundary of the truncation that could change the winner, where
    /// that is shorter.
    /// </returns>
    /// <exception cref="ArgumentException">The options are out of range, or draw without <see cref="AcceptanceRule.SharedNoise"/> and a seed.</exception>
    /// <inheritdoc cref="Evaluate" path="/exception"/>
    public double MeasureChoiceMargin(
        IReadOnlyList<int> prompt, IReadOnlyList<int> newTokens, SamplingOptions? sampling = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        return MeasureChoiceMargin(new GenerationRequest { Tokens = prompt, Sampling = sampling ?? SamplingOptions.Greedy, Drafting = DraftingOptions.None }, newTokens, cancellationToken);
    }

    /// <summary>The same for a request that changes logits: by penalties, bias, bans or constraints.</summary>
    /// <param name="request">The request; its prompt as tokens, text or messages.</param>
    /// <param name="newTokens">What was written behind it; the token in question is the next.</param>
    /// <param name="cancellationToken">Ends the work between passes.</param>
    /// <returns>As above.</returns>
    /// <exception cref="ArgumentException">The request is wrong, or draws without <see cref="AcceptanceRule.SharedNoise"/> and a seed.</exception>
    /// <exception cref="SpecDecodeException">The model cannot serve it, or its constraints leave no token.</exception>
    /// <exception cref="InvalidOperationException">Another call is running.</exception>
    /// <exception cref="OperationCanceledException">The work was cancelled.</exception>
    public double MeasureChoiceMargin(GenerationRequest request, IReadOnlyList<int> newTokens, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(newTokens);
        SamplingOptions sampling = request.Sampling ?? Defaults.Sampling;
        if (sampling.Errors().FirstOrDefault() is { } error)
        {
            throw new ArgumentException(error, nameof(request));
        }

        if (sampling.EffectiveAcceptance == AcceptanceRule.Rejection)
        {
            throw new ArgumentException("Rejection sampling draws anew at each position: there is no choice that could be repeated.", nameof(request));
        }

        if (sampling.EffectiveAcceptance == AcceptanceRule.SharedNoise && sampling.Seed is null)
        {
            throw new ArgumentException("Without a seed each request draws its own noise: give the seed of the choice in question.", nameof(request));
        }

        Sequence sequence;
        using (Call call = new(this))
        {
            sequence = _intake.Accept(request, Defaults, cancellationToken).Sequence;
        }

        int[] behind = [.. newTokens];
        float[] logits = [.. Evaluate([.. sequence.Prompt, .. behind], null, cancellationToken).LastLogits];
        for (int i = 0; i <= behind.Length; i++)
        {
            sequence.Constraints?.MoveTo(behind.AsSpan(0, i), default);
        }

        sequence.Constraints?.Process(logits);
        return sampling.EffectiveAcceptance == AcceptanceRule.Greedy
            ? ChoiceMargin.Greedy(logits)
            : ChoiceMargin.SharedNoise(logits, sampling, sequence.Sampler.Noise(behind.Length));
    }
}
