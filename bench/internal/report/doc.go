// Package report turns repeated measurements into Markdown tables and JSON, and
// puts tables into a document that has a place for them.
package report
