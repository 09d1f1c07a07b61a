namespace LeadPipeline.Mcp.Tests.Crm;

/// <summary>The process ended while the CRM was being written to.</summary>
public sealed class CrashException : Exception;
