using System.ComponentModel.DataAnnotations;

namespace LeadPipeline.Worker.Messaging;

/// <summary>How leads travel.</summary>
public sealed class MessagingOptions
{
    /// <summary>Configuration section.</summary>
    public const string Section = "Messaging";

    /// <summary>Whether this worker works on leads. Without, it only takes them in at its doors and serves people; others have to consume, and sweep. Needs a broker. Default true.</summary>
    public bool Consume { get; set; } = true;

    /// <summary>Messages that a queue's consumer holds at once. More gives larger commit groups and costs memory. Default 256. Allowed: 1 to 2000.</summary>
    [Range(1, 2000)]
    public int PrefetchCount { get; set; } = 256;

    /// <summary>Leads that the embedded queue works on at once. Default 256. Allowed: 1 to 2000.</summary>
    [Range(1, 2000)]
    public int EmbeddedConcurrency { get; set; } = 256;

    /// <summary>Longest wait for the broker's confirm before a post is answered 503. Default 5 s. Allowed: 0.1 s to 1 min.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:01:00")]
    public TimeSpan PublishTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Leads handed from stage to stage within the process at once, a stage; 0 sends all through the broker. Default 256. Allowed: 0 to 2000.</summary>
    [Range(0, 2000)]
    public int HandOver { get; set; } = 256;

    /// <summary>Longest time that a stopping worker gives to the leads in its hands. Default 25 s. Allowed: 1 s to 10 min.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan StopTimeout { get; set; } = TimeSpan.FromSeconds(25);

    /// <summary>How often the sweeper looks for leads that are due or forgotten. Default 1 s. Allowed: 50 ms to 10 min.</summary>
    [Range(typeof(TimeSpan), "00:00:00.050", "00:10:00")]
    public TimeSpan SweepInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Leads that may wait in <c>lead-intake</c> before the doors answer 503. More needs more of the broker's memory and disk, and makes the last one wait longer. Default 100,000;
    /// 0 is no limit. Allowed: 0 to 100,000,000.
    /// </summary>
    [Range(0, 100_000_000)]
    public int MaxBacklog { get; set; } = 100_000;

    /// <summary>How often what is in the broker's error queues is brought into the database. Default 2 s. Allowed: 50 ms to 1 d.</summary>
    [Range(typeof(TimeSpan), "00:00:00.05", "1.00:00:00")]
    public TimeSpan CollectInterval { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>How long the broker may see no consumer of ours on a queue before the connection that consumes is replaced. Default 20 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan WatchdogPatience { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>How long nothing may be heard of a command, or of an audit event's confirm, before it is sent again, up to a quarter of it later. Shorter mends sooner and repeats more. Default 2 min.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan ResendAfter { get; set; } = TimeSpan.FromMinutes(2);
}
