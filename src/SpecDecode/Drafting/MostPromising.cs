namespace SpecDecode.Drafting;

/// <summary>Drafts by what another token is expected to gain, the highest first; of equal ones the one that was added first.</summary>
internal sealed class MostPromising
{
    private int[] _places = [];
    private double[] _gains = [];

    /// <summary>How many there are.</summary>
    public int Count { get; private set; }

    /// <summary>The place of a draft in its step.</summary>
    public int Place(int index) => _places[index];

    /// <summary>What it is expected to gain.</summary>
    public double Gain(int index) => _gains[index];

    /// <summary>Forgets all.</summary>
    public void Clear() => Count = 0;

    /// <summary>Takes one in.</summary>
    public void Add(int place, double gain)
    {
        if (Count == _places.Length)
        {
            Array.Resize(ref _places, Math.Max(8, 2 * Count));
            Array.Resize(ref _gains, _places.Length);
        }

        int i = Count++;
        for (; i > 0 && _gains[i - 1] < gain; i--)
        {
            _gains[i] = _gains[i - 1];
            _places[i] = _places[i - 1];
        }

        _gains[i] = gain;
        _places[i] = place;
    }
}
