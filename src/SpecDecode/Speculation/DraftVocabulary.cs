using SpecDecode.Stages;

namespace SpecDecode.Speculation;

/// <summary>
/// Which tokens a draft may have, where the head of drafts scores but some (FR-Spec, 2502.14856, which takes those that are frequent in a corpus):
/// here those that were seen in prompts and outputs, so that they follow what is written. A token that is not among them takes the place of
/// one that was written seldom and long ago, found by a hand that goes round and counts down (the clock of paging). Verification scores all tokens,
/// so that only acceptance depends on it. Allocates nothing; for the thread of the steps.
/// </summary>
internal sealed class DraftVocabulary
{
    private const int None = -1;

    // How often an output token survives the hand; one of a prompt may go at once.
    private const byte MostLives = 3;

    // The last so many output tokens say, fading, what share of them drafts could have had.
    private const double Memory = 256;

    // Where that is lower, the whole head finds more than it costs. It is taken until the share is higher again.
    private const double LeastCoverage = 0.8;
    private const double GoodCoverage = 0.9;

    private readonly IStages _stages;
    private readonly int[] _places;
    private readonly int[] _tokens;
    private readonly byte[] _lives;
    private int _hand;

    // Tokens without lives.
    private int _idle;
    private double _coverage = 1;

    /// <summary>Begins with the tokens that there are; at first those of the lowest ids, since vocabularies are mostly in the order of frequency.</summary>
    /// <param name="stages">The model, whose draft vocabulary this keeps.</param>
    public DraftVocabulary(IStages stages)
    {
        _stages = stages;
        _tokens = stages.DraftVocabulary.ToArray();
        int size = _tokens.Length;
        _places = size == 0 ? [] : new int[stages.VocabularySize];
        _lives = new byte[size];
        _idle = size;
        IsWorthIt = size > 0;
        Array.Fill(_places, None);
        for (int i = 0; i < size; i++)
        {
            _places[_tokens[i]] = i;
        }
    }

    /// <summary>Whether drafts choose from it, and not from all tokens.</summary>
    public bool IsWorthIt { get; private set; }

    /// <summary>Takes tokens of a prompt in.</summary>
    public void SeePrompt(ReadOnlySpan<int> tokens)
    {
        for (int i = 0; i < tokens.Length && _tokens.Length > 0; i++)
        {
            See(tokens[i], lives: 0);
        }
    }

    /// <summary>Takes tokens of an output in.</summary>
    /// <returns>How many of them were not among the tokens that a draft may have.</returns>
    public int SeeOutput(ReadOnlySpan<int> tokens)
    {
        int uncovered = 0;
        for (int i = 0; i < tokens.Length && _tokens.Length > 0; i++)
        {
            bool isCovered = _places[tokens[i]] != None;
            uncovered += isCovered ? 0 : 1;
            _coverage += ((isCovered ? 1 : 0) - _coverage) / Memory;
            See(tokens[i], lives: 1);
        }

        IsWorthIt = _tokens.Length > 0 && _coverage >= (IsWorthIt ? LeastCoverage : GoodCoverage);
        return uncovered;
    }

    private void See(int token, byte lives)
    {
        int place = _places[token];
        if (place != None)
        {
            _idle -= _lives[place] == 0 && lives > 0 ? 1 : 0;
            _lives[place] = Math.Min((byte)(_lives[place] + lives), MostLives);
            return;
        }

        // A prompt, however long and strange, takes no token's place that outputs have lately had.
        if (lives == 0 && _idle == 0)
        {
            return;
        }

        while (_lives[_hand] > 0)
        {
            if (lives > 0 && --_lives[_hand] == 0)
            {
                _idle++;
            }

            Advance();
        }

        _idle -= lives > 0 ? 1 : 0;
        _places[_tokens[_hand]] = None;
        _places[token] = _hand;
        _tokens[_hand] = token;
        _lives[_hand] = lives;
        _stages.PutInDraftVocabulary(_hand, token);
        Advance();
    }

    private void Advance() => _hand = _hand + 1 == _tokens.Length ? 0 : _hand + 1;
}
