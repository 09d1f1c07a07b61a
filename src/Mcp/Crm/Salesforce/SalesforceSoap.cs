using System.Xml;
using System.Xml.Linq;

namespace LeadPipeline.Mcp.Crm.Salesforce;

/// <summary>
/// The one call that REST does not offer: <c>convertLead</c>. The text is written by an XML writer, so that no value can become markup, and
/// read without document types, which could name other files.
/// </summary>
internal static class SalesforceSoap
{
    private const string Envelope = "http://schemas.xmlsoap.org/soap/envelope/", Partner = "urn:partner.soap.sforce.com";

    /// <summary>The order to convert one lead into a contact of an account, without an opportunity.</summary>
    public static string ConvertLead(string session, string lead, string account, string? owner, string status)
    {
        using var text = new Utf8Text();
        using (var xml = XmlWriter.Create(text, new XmlWriterSettings { CheckCharacters = true }))
        {
            xml.WriteStartElement("env", "Envelope", Envelope);
            xml.WriteStartElement("env", "Header", Envelope);
            xml.WriteStartElement("p", "SessionHeader", Partner);
            xml.WriteElementString("p", "sessionId", Partner, session);
            xml.WriteEndElement();
            xml.WriteEndElement();
            xml.WriteStartElement("env", "Body", Envelope);
            xml.WriteStartElement("p", "convertLead", Partner);
            xml.WriteStartElement("p", "leadConverts", Partner);
            // In the order of the schema, which is the alphabet's.
            xml.WriteElementString("p", "accountId", Partner, account);
            xml.WriteElementString("p", "convertedStatus", Partner, status);
            xml.WriteElementString("p", "doNotCreateOpportunity", Partner, "true");
            xml.WriteElementString("p", "leadId", Partner, lead);
            xml.WriteElementString("p", "overwriteLeadSource", Partner, "false");
            if (owner is not null)
                xml.WriteElementString("p", "ownerId", Partner, owner);
            xml.WriteElementString("p", "sendNotificationEmail", Partner, "false");
            xml.WriteEndElement();
            xml.WriteEndElement();
            xml.WriteEndElement();
            xml.WriteEndElement();
        }
        return text.ToString();
    }

    /// <summary>What came of it; null when the text is no such answer.</summary>
    public static SoapAnswer? Read(string? text)
    {
        if (string.IsNullOrEmpty(text))
            return null;
        try
        {
            using var reader = XmlReader.Create(new StringReader(text), new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null });
            var document = XDocument.Load(reader);
            if (document.Descendants().FirstOrDefault(e => e.Name.LocalName == "Fault") is { } fault)
                return new SoapAnswer(false, null, null, fault.Elements().FirstOrDefault(e => e.Name.LocalName == "faultcode")?.Value.Split(':')[^1], IsFault: true);
            if (document.Descendants().FirstOrDefault(e => e.Name.LocalName == "result") is not { } result)
                return null;
            string? Value(string name) => result.Elements().FirstOrDefault(e => e.Name.LocalName == name)?.Value is { Length: > 0 } value ? value : null;
            var code = result.Elements().FirstOrDefault(e => e.Name.LocalName == "errors")?.Elements().FirstOrDefault(e => e.Name.LocalName == "statusCode")?.Value;
            return new SoapAnswer(Value("success") == "true", Value("contactId"), Value("accountId"), code, IsFault: false);
        }
        catch (XmlException)
        {
            return null;
        }
    }

    private sealed class Utf8Text : StringWriter
    {
        public Utf8Text() : base(System.Globalization.CultureInfo.InvariantCulture) { }

        public override System.Text.Encoding Encoding => System.Text.Encoding.UTF8;
    }
}

/// <summary>The answer to a conversion.</summary>
internal sealed record SoapAnswer(bool Success, string? Contact, string? Account, string? Code, bool IsFault);
