namespace LeadPipeline.TestKit.Simulators;

/// <summary>How a simulated vendor can be told to fail one call. A closed family.</summary>
public abstract record SimulatorFault
{
    private SimulatorFault() { }

    /// <summary>Answers with this status and does nothing: 503, 429, 500, in the vendor's words.</summary>
    /// <param name="Status">The HTTP status.</param>
    /// <param name="Code">The vendor's code where one status has several meanings; null: the usual one.</param>
    /// <param name="RetryAfter">Seconds of a Retry-After header, where the simulator sends one; null: no header.</param>
    public sealed record Refuse(int Status, string? Code = null, int? RetryAfter = null) : SimulatorFault;

    /// <summary>Ends the connection before anything is done.</summary>
    public sealed record ResetBefore : SimulatorFault;

    /// <summary>Does everything, then ends the connection without an answer.</summary>
    public sealed record AcceptAndDrop : SimulatorFault;

    /// <summary>Does everything, and ends the connection in the middle of the answer.</summary>
    /// <param name="Bytes">So many bytes of the body go out.</param>
    public sealed record DropAfter(int Bytes) : SimulatorFault;

    /// <summary>Does everything, and answers only when released.</summary>
    /// <param name="Until">Ends when the answer may go out; a caller who has gone by then gets none.</param>
    public sealed record AnswerLate(Task Until) : SimulatorFault;

    /// <summary>Does nothing until released; then does everything, although the caller may have gone long since.</summary>
    /// <param name="Until">Ends when the work may begin.</param>
    public sealed record WorkLate(Task Until) : SimulatorFault
    {
        private readonly TaskCompletionSource worked = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Ends when the work is done.</summary>
        public Task Worked => worked.Task;

        internal void HasWorked() => worked.TrySetResult();
    }

    /// <summary>Does nothing and never answers, until the caller hangs up.</summary>
    public sealed record Silence : SimulatorFault;

    /// <summary>All tokens that were given out are worthless from now on, this call's too.</summary>
    public sealed record RotateToken : SimulatorFault;

    /// <summary>One part of a composite or batch is refused, the rest is done as the vendor would.</summary>
    /// <param name="Part">Which part, from 0.</param>
    /// <param name="Status">The part's status.</param>
    /// <param name="Code">The vendor's code of the refusal.</param>
    public sealed record FailPart(int Part, int Status, string Code) : SimulatorFault;
}

/// <summary>Faults that were ordered, by operation and number of the call. Each strikes once.</summary>
public sealed class SimulatorFaults
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, int> calls = [];
    private readonly List<(string Operation, int Call, SimulatorFault Fault)> ordered = [];
    private volatile Func<string, SimulatedRequest, SimulatorFault?>? decide;

    /// <summary>The next call of an operation fails so.</summary>
    public void FailNext(string operation, SimulatorFault fault)
    {
        lock (gate)
            ordered.Add((operation, calls.GetValueOrDefault(operation) + 1 + ordered.Count(o => o.Operation == operation && o.Call > calls.GetValueOrDefault(operation)), fault));
    }

    /// <summary>A certain call of an operation, from 1 since the simulator began, fails so.</summary>
    public void FailCall(string operation, int call, SimulatorFault fault)
    {
        lock (gate)
            ordered.Add((operation, call, fault));
    }

    /// <summary>Asks about every call to come, besides what is ordered by number; the one who is asked answers null for a call that is to succeed.</summary>
    /// <param name="byRequest">Given the operation and the request, says how the call fails; null: nobody is asked any more.</param>
    public void FailBy(Func<string, SimulatedRequest, SimulatorFault?>? byRequest) => decide = byRequest;

    /// <summary>Calls of an operation so far.</summary>
    public int Calls(string operation)
    {
        lock (gate)
            return calls.GetValueOrDefault(operation);
    }

    /// <summary>Faults that have not struck.</summary>
    public int Outstanding
    {
        get
        {
            lock (gate)
                return ordered.Count;
        }
    }

    /// <summary>Counts a call and tells how it fails, if it does.</summary>
    internal SimulatorFault? Next(string operation, SimulatedRequest request) => Next(operation) ?? decide?.Invoke(operation, request);

    private SimulatorFault? Next(string operation)
    {
        lock (gate)
        {
            var call = calls[operation] = calls.GetValueOrDefault(operation) + 1;
            var index = ordered.FindIndex(o => o.Operation == operation && o.Call == call);
            if (index < 0)
                return null;
            var fault = ordered[index].Fault;
            ordered.RemoveAt(index);
            return fault;
        }
    }
}
