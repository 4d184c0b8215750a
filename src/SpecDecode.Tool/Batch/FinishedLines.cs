using System.Numerics;

namespace SpecDecode.Tool.Batch;

/// <summary>
/// Which lines of the input have a result already, and what they were: for each 64 lines a bit of each and the sum of their hashes,
/// so that ten million lines take 2.5 MB.
/// </summary>
internal sealed class FinishedLines
{
    private const int BlockLines = 64;

    // Far beyond what anybody has; a damaged number must not take the memory: 64 MB at most.
    private const long MaxLine = 1L << 28;

    private readonly List<ulong> _finished = [];
    private readonly List<ulong> _sums = [];

    /// <summary>How many there are.</summary>
    public long Count { get; private set; }

    /// <summary>Those of them that have an error in place of a text.</summary>
    public long Errors { get; private set; }

    /// <summary>Notes a line; false when it is there already, or its number is none.</summary>
    public bool TryAdd(BatchRecord record)
    {
        if (record.Line > MaxLine)
        {
            return false;
        }

        (int block, ulong bit) = Place(record.Line);
        while (_finished.Count <= block)
        {
            _finished.Add(0);
            _sums.Add(0);
        }

        if ((_finished[block] & bit) != 0)
        {
            return false;
        }

        _finished[block] |= bit;
        _sums[block] += record.Input;
        Count++;
        Errors += record.HasError ? 1 : 0;
        return true;
    }

    /// <summary>Whether a line has a result.</summary>
    public bool Contains(long line)
    {
        (int block, ulong bit) = Place(line);
        return block < _finished.Count && (_finished[block] & bit) != 0;
    }

    /// <summary>Compares lines of the input, which are given in order, with what they were when their results were written.</summary>
    public sealed class Comparison(FinishedLines lines, string input, string output)
    {
        private int _block;
        private ulong _sum;
        private int _seen;

        /// <summary>Takes a line that has a result.</summary>
        /// <exception cref="SpecDecodeException">Lines before it are not what they were.</exception>
        public void Add(long line, ulong hash)
        {
            int block = (int)((line - 1) / BlockLines);
            while (_block < block)
            {
                CheckBlock();
            }

            _sum += hash;
            _seen++;
        }

        /// <summary>Says that the input has ended.</summary>
        /// <exception cref="SpecDecodeException">Lines are not what they were, or fewer.</exception>
        public void End()
        {
            while (_block < lines._finished.Count)
            {
                CheckBlock();
            }
        }

        private void CheckBlock()
        {
            if (_block < lines._finished.Count && (_seen != BitOperations.PopCount(lines._finished[_block]) || _sum != lines._sums[_block]))
            {
                long first = (long)_block * BlockLines;
                throw new SpecDecodeException(
                    $"{input}: among lines {first + 1} to {first + BlockLines} some are not what they were when {output} got their results: give the input that it was begun with, or another --output.");
            }

            _block++;
            _sum = 0;
            _seen = 0;
        }
    }

    private static (int Block, ulong Bit) Place(long line) => ((int)((line - 1) / BlockLines), 1UL << (int)((line - 1) % BlockLines));
}
