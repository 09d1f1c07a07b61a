namespace LeadPipeline.Worker.Tests.CrashPoints;

/// <summary>The process has ended here. Nobody catches it to go on: whoever does finds everything that he calls ended as well.</summary>
public sealed class ProcessEndedException(string place) : Exception($"The process has ended: {place}.");

/// <summary>
/// A worker's process that may end at any of its awaits: each passing of one is counted, and at the chosen one all ends. From then on every call to the
/// outside throws, so that nothing that a dead process could not have done is done.
/// </summary>
/// <param name="endAt">
/// The point: by what happens there, and how often that has happened before, for of two things that happen at once now one comes first and now the other; null: it lives on.
/// </param>
public sealed class DoomedProcess((string Place, int After)? endAt = null)
{
    private readonly Lock gate = new();
    private readonly List<string> places = [];

    /// <summary>Points passed, by what was about to happen or had just happened there.</summary>
    public IReadOnlyList<string> Places => places;

    /// <summary>Whether it has ended.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>It ends now, wherever it is.</summary>
    public void End()
    {
        lock (gate)
        {
            HasEnded = true;
            places.Add("from outside");
        }
    }

    /// <summary>Comes by a point.</summary>
    /// <exception cref="ProcessEndedException">The process has ended, here or before.</exception>
    public void Pass(string place)
    {
        lock (gate)
        {
            if (!HasEnded)
            {
                HasEnded = endAt is var (end, after) && place == end && places.Count(p => p == place) == after;
                places.Add(place);
            }
            if (HasEnded)
                throw new ProcessEndedException(places[^1]);
        }
    }
}
