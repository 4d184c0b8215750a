using SpecDecode.Scheduling;
using SpecDecode.Sequences;

namespace SpecDecode.Generation;

/// <summary>Texts that come one after the other, as many at a time as the model takes on.</summary>
public sealed partial class TextModel
{
    /// <summary>
    /// Continues any number of texts. As soon as one ends, the next takes its place: <see cref="RuntimeOptions.MaxSequences"/> of them are in
    /// work at any time, and no more are held in memory. Each comes out as it would alone.
    /// </summary>
    /// <param name="requests">
    /// The prompts and their limits; read on the calling thread, between steps, whenever there is room for one. While it is waited for,
    /// the texts in work stand still.
    /// </param>
    /// <param name="onResult">
    /// Called with a request's number, from 0, and its result, as soon as it has ended; so not in the order of the requests. A request that
    /// cannot be served has a result too, with <see cref="FinishReason.Failed"/> and no tokens.
    /// </param>
    /// <param name="onStep">Called after each step; null for nobody.</param>
    /// <param name="cancellationToken">Ends the texts in work where they are, with <see cref="FinishReason.Cancelled"/>; no more are begun.</param>
    /// <exception cref="ArgumentNullException">The requests or the callback are null.</exception>
    /// <exception cref="InvalidOperationException">Another call is running.</exception>
    public void GenerateEach(
        IEnumerable<GenerationRequest> requests, Action<long, GenerationResult> onResult, Action<StepRecord>? onStep = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(requests);
        ArgumentNullException.ThrowIfNull(onResult);
        using Call call = new(this);
        Dictionary<Sequence, EachRequest> inWork = [];
        try
        {
            using IEnumerator<GenerationRequest> source = requests.GetEnumerator();
            bool hasMore = true;
            long number = 0;
            while (true)
            {
                while (hasMore && inWork.Count < _maxSequences && !cancellationToken.IsCancellationRequested)
                {
                    hasMore = source.MoveNext();
                    if (hasMore)
                    {
                        Take(source.Current, number++);
                    }
                }

                if (_scheduler.IsIdle)
                {
                    return;
                }

                StepRecord step = _scheduler.Step();
                _spare.RunAfter(step.Time);
                if (step.Sequences > 0)
                {
                    onStep?.Invoke(step);
                }

                foreach (Sequence sequence in _scheduler.Ended)
                {
                    inWork.Remove(sequence, out EachRequest? ended);
                    if (--ended!.Left == 0)
                    {
                        ended.Registration.Dispose();
                        onResult(ended.Number, ended.Accepted.Result(Tokenizer));
                    }
                }
            }
        }
        finally
        {
            // Where a callback threw, nothing stays behind.
            foreach (EachRequest request in inWork.Values)
            {
                request.Registration.Dispose();
            }

            _scheduler.EndAll(FinishReason.Cancelled);
        }

        void Take(GenerationRequest request, long number)
        {
            AcceptedRequest accepted;
            try
            {
                accepted = _intake.Accept(request, Defaults, cancellationToken);
            }
            catch (Exception error) when (error is SpecDecodeException or ArgumentException)
            {
                onResult(number, GenerationResult.Refused(error));
                return;
            }

            EachRequest begun = new(number, accepted) { Left = accepted.Sequences.Length };
            foreach (Sequence sequence in accepted.Sequences)
            {
                Begin(sequence);
                inWork.Add(sequence, begun);
            }

            begun.Registration = cancellationToken.UnsafeRegister(
                static all => Array.ForEach((Sequence[])all!, static sequence => sequence.RequestCancellation()), accepted.Sequences);
        }
    }

    private sealed class EachRequest(long number, AcceptedRequest accepted)
    {
        public long Number => number;

        public AcceptedRequest Accepted => accepted;

        // Texts that have not ended.
        public int Left { get; set; }

        public CancellationTokenRegistration Registration { get; set; }
    }
}
