namespace LeadPipeline.Mcp.Guards;

/// <summary>
/// Who was admitted under one limit in the last while, and up to when those who were not have been told to wait. No clock and no storage:
/// times come in, bytes go out.
/// <para>
/// Admissions are counted by the fortieth part of the window, over forty-one parts: any stretch of the window's length lies within them, so
/// the limit is never exceeded, and at most a fortieth of it is given away. Whoever finds it full is given a time, one after the other at the
/// pace of the limit. That time is a promise of precedence, not an admission: to count the future as used would let those who come late
/// (a worker was away, a queue was long) go all at once, or lose their place again and again.
/// </para>
/// </summary>
public sealed class RateWindow
{
    private const int Parts = 40;

    private readonly int[] taken = new int[Parts + 1];
    private long last;
    private DateTimeOffset line, again;

    /// <summary>When the window may be forgotten.</summary>
    public DateTimeOffset IdleAt(RateLimit limit)
    {
        var empty = TimeOf(last + Parts + 2, limit);
        return Latest(empty, line, again);
    }

    /// <summary>Decides one request under all its limits together, and counts it in their windows.</summary>
    /// <param name="request">The request.</param>
    /// <param name="windows">The windows by the limits' names.</param>
    /// <param name="now">The time.</param>
    public static RateAnswer Decide(RateRequest request, IReadOnlyDictionary<string, RateWindow> windows, DateTimeOffset now)
    {
        var answer = new RateAnswer(null, now);
        for (var i = 0; i < request.Limits.Count && !request.IsCorrection; i++)
        {
            var (limit, weight) = (request.Limits[i], request.WeightOf(i));
            var window = windows[limit.Name];
            // A place is taken only where one is lacking: elsewhere it would keep others waiting for nothing.
            if (!window.HasRoom(limit, weight, now, request.Returning) && window.Queue(limit, weight, now, request.Returning) is var until && (answer.Hit is null || until > answer.Until))
                answer = new RateAnswer(limit, until);
        }
        if (answer.IsAdmitted)
        {
            for (var i = 0; i < request.Limits.Count; i++)
                windows[request.Limits[i].Name].Take(request.Limits[i], request.WeightOf(i), now);
        }
        return answer;
    }

    /// <summary>Reads what <see cref="ToBytes"/> wrote.</summary>
    public static RateWindow Read(byte[] bytes)
    {
        using var reader = new BinaryReader(new MemoryStream(bytes));
        var window = new RateWindow { last = reader.ReadInt64(), line = new(reader.ReadInt64(), TimeSpan.Zero), again = new(reader.ReadInt64(), TimeSpan.Zero) };
        for (var i = 0; i <= Parts; i++)
            window.taken[i] = reader.Read7BitEncodedInt();
        return window;
    }

    /// <summary>The window as it is stored: 24 bytes of times and a byte or two for each part.</summary>
    public byte[] ToBytes()
    {
        using var bytes = new MemoryStream();
        using var writer = new BinaryWriter(bytes);
        writer.Write(last);
        writer.Write(line.UtcTicks);
        writer.Write(again.UtcTicks);
        foreach (var count in taken)
            writer.Write7BitEncodedInt(count);
        return bytes.ToArray();
    }

    /// <summary>How many were admitted in the last window.</summary>
    public int Taken(RateLimit limit, DateTimeOffset now)
    {
        MoveTo(now, limit);
        return taken.Sum();
    }

    private bool HasRoom(RateLimit limit, int weight, DateTimeOffset now, bool returning)
    {
        MoveTo(now, limit);
        // As long as some wait for their turn, newcomers go to the end of the line.
        return taken.Sum() + weight <= limit.Count && (returning || line <= now);
    }

    private void Take(RateLimit limit, int weight, DateTimeOffset now)
    {
        MoveTo(now, limit);
        taken[Parts] += weight;
        // What is given back was taken lately: the latest parts give it.
        for (var i = Parts; i > 0 && taken[i] < 0; i--)
            (taken[i - 1], taken[i]) = (taken[i - 1] + taken[i], 0);
        taken[0] = Math.Max(0, taken[0]);
    }

    private DateTimeOffset Queue(RateLimit limit, int weight, DateTimeOffset now, bool returning)
    {
        var pace = limit.Window / Parts * (Parts + 1) * weight / limit.Count;
        var room = NextRoom(limit, weight, now);
        if (returning)
            return again = Latest(room, again + pace);
        return line = Latest(room, line + pace, again + pace);
    }

    /// <summary>When the window has let go of enough for so much more.</summary>
    private DateTimeOffset NextRoom(RateLimit limit, int weight, DateTimeOffset now)
    {
        var surplus = taken.Sum() - limit.Count + weight;
        for (var i = 0; surplus > 0; i++)
        {
            surplus -= taken[i];
            if (surplus <= 0)
                return TimeOf(last + i + 1, limit);
        }
        return now;
    }

    private void MoveTo(DateTimeOffset now, RateLimit limit)
    {
        // A clock that is behind another worker's counts with that one's last part.
        var steps = now.UtcTicks / PartOf(limit) - last;
        if (steps <= 0)
            return;
        last += steps;
        var kept = Math.Max(0, taken.Length - (int)Math.Min(steps, taken.Length));
        Array.Copy(taken, taken.Length - kept, taken, 0, kept);
        Array.Clear(taken, kept, taken.Length - kept);
    }

    private static long PartOf(RateLimit limit) => Math.Max(1, limit.Window.Ticks / Parts);

    private static DateTimeOffset TimeOf(long part, RateLimit limit) => new(part * PartOf(limit), TimeSpan.Zero);

    private static DateTimeOffset Latest(params ReadOnlySpan<DateTimeOffset> times)
    {
        var latest = times[0];
        foreach (var time in times)
            latest = time > latest ? time : latest;
        return latest;
    }
}
